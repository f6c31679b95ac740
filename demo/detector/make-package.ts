/** `npm run demo:detector [FOLDER]`: trains the detector of the rendered street and writes its package. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asWaysideError, formatError } from '../../core/errors.ts';
import { digestOfFile } from '../../core/hash.ts';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import type { Progress } from '../../core/progress.ts';
import { quantizeNetwork } from '../../exporter/commands/quantize-network.ts';
import { planAsJson } from '../../exporter/plan/plan.ts';
import { recordGolden } from '../../inference/golden.ts';
import { writePackage } from '../../inference/package.ts';
import { RUNTIME_VERSION } from '../../inference/runtime.ts';
import { openSession } from '../../inference/session.ts';
import { encodeModel, writeModel } from '../../onnx/file/write.ts';
import { collected, MEASURED, streetFrames, unlabelled } from './frames.ts';
import { judgeDetector } from './judge.ts';
import { HEAD, PREPROCESSING, ROAD_USERS } from './network.ts';
import { reducer } from './reduced.ts';
import { STREET_TRAINING, trainDetector } from './train.ts';

const CALIBRATE = { part: 'calibrate', scenes: 12, perScene: 8 } as const;
const CLUSTERS = 16;
/** Golden samples: each holds an image and the 10,752 values of the output, and the package is to stay small. */
const GOLDEN = 2;

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;

/** A line for each stage, and for every twentieth of one. */
function sayProgress(): (progress: Progress) => void {
  let said = '';
  return ({ stage, done, total, detail }) => {
    const part = `${stage} ${total === undefined ? '' : `${5 * Math.floor((20 * done) / total)} %`}`;
    if (part !== said) say(`${part} ${detail ?? ''}`);
    said = part;
  };
}

/** The image at half the size of the input in each direction: enough to prove a processor with. */
const reduced = reducer([PREPROCESSING.size[0] / 2, PREPROCESSING.size[1] / 2]);

async function makePackage(out: string): Promise<void> {
  const onProgress = sayProgress();
  const folder = await mkdtemp(join(tmpdir(), 'wayside-street-'));
  try {
    const float = join(folder, 'float.onnx');
    await writeModel(await trainDetector({ ...STREET_TRAINING, onProgress }), float);
    const frames = await collected(streetFrames(CALIBRATE));
    const quantized = await quantizeNetwork({
      model: float,
      data: unlabelled(frames),
      preprocessing: PREPROCESSING,
      calibration: frames.length,
      clusters: CLUSTERS,
      threads: 1,
      onProgress,
    });
    const model = encodeModel(quantized.model);
    const session = await openSession(model, { threads: 1 });
    const golden = await recordGolden(
      session,
      PREPROCESSING,
      frames.slice(0, 8).map(({ image }) => reduced(image)),
      { count: GOLDEN },
    );
    const { input, output } = session;
    await session.close();
    const { bytes } = await writePackage(
      out,
      {
        manifest: {
          task: 'grid',
          purpose: 'demonstration',
          name: 'street-grid',
          version: '1',
          input: { name: input.name, shape: [...input.shape] },
          output: { name: output.name, classes: ROAD_USERS.length },
          preprocessing: PREPROCESSING,
          head: { ...HEAD, box: { ...HEAD.box } },
          labels: [...ROAD_USERS],
          thresholds: { score: 0.4 },
          minimumRuntime: RUNTIME_VERSION,
          target: quantized.plan.target,
          plan: planAsJson(quantized.plan),
        },
        model,
        golden,
      },
      { replace: true },
    );
    const test = await collected(streetFrames(MEASURED));
    const [ofFloat, ofInt8] = [await judgeDetector(float, test), await judgeDetector(model, test)];
    const rows = ofFloat.classes.map(
      (each, i) =>
        `${each.class.padEnd(12)}${String(each.objects).padStart(6)}${percent(each.precision).padStart(10)}${percent(ofInt8.classes[i]?.precision ?? 0).padStart(10)}`,
    );
    process.stdout.write(
      `${['average precision          float      int8', ...rows].join('\n')}\n` +
        `mean ${percent(ofFloat.meanPrecision)} and ${percent(ofInt8.meanPrecision)} on ${test.length} frames; ${bytes} bytes to load\n` +
        `model.onnx ${await digestOfFile(join(out, 'model.onnx'))}\n`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

await makePackage(process.argv[2] ?? join(PACKAGE_ROOT, 'demo', 'detector-package')).catch((thrown: unknown) => {
  const error = asWaysideError(thrown);
  say(formatError(error));
  process.exitCode = error.exitCode;
});
