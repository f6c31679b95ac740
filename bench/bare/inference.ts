import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WHOLE_FRAME } from '../../inference/image.ts';
import { createPreprocessor, inputLength } from '../../inference/preprocess.ts';
import { readPackage } from '../../inference/read-package.ts';
import { floatTensor, openSession } from '../../inference/session.ts';

// node dist/bench/bare/inference.js PACKAGE FRAME.rgb WIDTH HEIGHT RUNS FPS
// Runs a model on one preprocessed frame, FPS times a second or without a pause (0), in a process that does nothing
// else, and prints the CPU seconds of it.
const [, , folder = '', frame = '', width = '', height = '', runs = '', fps = '0'] = process.argv;
const WARM_UP_RUNS = 50;

const { preprocessing } = (await readPackage(folder)).manifest;
const data = new Float32Array(inputLength(preprocessing));
createPreprocessor(preprocessing)(
  { width: Number(width), height: Number(height), data: await readFile(frame) },
  WHOLE_FRAME,
  data,
  0,
);
const session = await openSession(join(folder, 'model.onnx'), { threads: 1 });
const feeds = { [session.input.name]: floatTensor(data, [1, 3, ...preprocessing.size]) };
for (let run = 0; run < WARM_UP_RUNS; run++) await session.run(feeds);

const before = process.cpuUsage();
const interval = Number(fps) > 0 ? 1000 / Number(fps) : 0;
const started = performance.now();
for (let run = 0; run < Number(runs); run++) {
  await session.run(feeds);
  const due = started + (run + 1) * interval - performance.now();
  if (interval > 0 && due > 0) await delay(due);
}
const { user, system } = process.cpuUsage(before);
process.stdout.write(JSON.stringify({ cpuSeconds: (user + system) / 1e6 }));
