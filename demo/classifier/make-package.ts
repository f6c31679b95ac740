/** `npm run demo:classifier [FOLDER]`: trains the classifier of the demonstration and writes its package. About 6 minutes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evaluate } from '../../calibration/evaluate.ts';
import { asWaysideError, formatError } from '../../core/errors.ts';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import type { Progress } from '../../core/progress.ts';
import { compress } from '../../exporter/compress.ts';
import { openSession } from '../../inference/session.ts';
import { writeModel } from '../../onnx/write.ts';
import { CLASSES } from '../scene/types.ts';
import { PREPROCESSING } from './network.ts';
import { SceneDataset } from './scene-dataset.ts';
import { train } from './train.ts';

/** Scenes to learn from, to calibrate on (the first of them) and, of other seeds, to measure on. */
const SCENES = { train: 120, calibrate: 16, test: 12 };
const SEED = 1;
const CLUSTERS = 16;

function sayStages(): (progress: Progress) => void {
  let said = '';
  return ({ stage }) => {
    if (stage !== said) process.stderr.write(`${stage}\n`);
    said = stage;
  };
}

async function makePackage(out: string): Promise<void> {
  const onProgress = sayStages();
  const folder = await mkdtemp(join(tmpdir(), 'wayside-street-'));
  try {
    const model = join(folder, 'street.onnx');
    await writeModel(
      await train(new SceneDataset('train', { scenes: SCENES.train }), { seed: SEED, onProgress }),
      model,
    );
    const data = {
      train: new SceneDataset('train', { scenes: SCENES.calibrate }),
      test: new SceneDataset('test', { scenes: SCENES.test }),
    };
    const result = await compress({
      model,
      data,
      out,
      preprocessing: PREPROCESSING,
      clusters: CLUSTERS,
      name: 'street',
      force: true,
      onProgress,
    });
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n${await confusionOf(out, data.test)}\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the compressed model answers, truth in rows; contested regions are among them and also apart. */
async function confusionOf(out: string, test: SceneDataset): Promise<string> {
  const contested = new Set<string>();
  for await (const sample of test.samples()) if (sample.contested) contested.add(sample.id);
  const session = await openSession(join(out, 'model.onnx'));
  let clear = 0;
  let clearRight = 0;
  const { confusion, top1, samples } = await evaluate(session, test, {
    preprocessing: PREPROCESSING,
    onOutcome: ({ id, label, predicted }) => {
      if (contested.has(id)) return;
      clear++;
      if (label === predicted) clearRight++;
    },
  });
  await session.close();
  const cell = (text: string | number): string => String(text).padStart(11);
  const rows = CLASSES.map((name, i) => [
    name,
    ...confusion.counts.subarray(i * CLASSES.length, (i + 1) * CLASSES.length),
  ]);
  return [
    ['truth', ...CLASSES].map(cell).join(''),
    ...rows.map((row) => row.map(cell).join('')),
    `all ${samples}: ${(top1 * 100).toFixed(2)} %, the ${clear} clear ones: ${((clearRight / clear) * 100).toFixed(2)} %`,
  ].join('\n');
}

await makePackage(process.argv[2] ?? join(PACKAGE_ROOT, 'demo', 'package')).catch((thrown: unknown) => {
  const error = asWaysideError(thrown);
  process.stderr.write(`${formatError(error)}\n`);
  process.exitCode = error.exitCode;
});
