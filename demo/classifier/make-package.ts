/** `npm run demo:classifier [FOLDER]`: trains the classifier of the demonstration and writes its package. */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { asWaysideError, formatError } from '../../core/errors.ts';
import { digestOfFile } from '../../core/hash.ts';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import type { Progress } from '../../core/progress.ts';
import { compress } from '../../exporter/commands/compress.ts';
import { writeModel } from '../../onnx/file/write.ts';
import type { Accuracy } from '../tally.ts';
import { judge } from './judge.ts';
import { kept } from './kept-dataset.ts';
import { PREPROCESSING } from './network.ts';
import { SceneDataset } from './scene-dataset.ts';
import { trainOnScenes } from './train.ts';

/** Scenes to learn from, to choose the epoch by, to calibrate on (the first of them) and, of other seeds, to measure on. */
const SCENES = { learn: 200, validate: 20, calibrate: 16, test: 12 };
const SEED = 1;
const CLUSTERS = 16;

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const percent = (share: number | null): string => (share === null ? 'none' : `${(share * 100).toFixed(2)} %`);

function sayStages(): (progress: Progress) => void {
  let said = '';
  return ({ stage }) => {
    if (stage !== said) say(stage);
    said = stage;
  };
}

async function makePackage(out: string): Promise<void> {
  const onProgress = sayStages();
  const folder = await mkdtemp(join(tmpdir(), 'wayside-street-'));
  try {
    const model = join(folder, 'street.onnx');
    const trained = await trainOnScenes({
      seed: SEED,
      scenes: SCENES,
      threads: availableParallelism(),
      onProgress,
      onEpoch: ({ epoch, loss, accuracy }) =>
        say(`  epoch ${epoch + 1}: loss ${loss.toFixed(3)}, ${percent(accuracy)} validated`),
    });
    await writeModel(trained, model);
    const data = {
      train: await kept(new SceneDataset('train', { scenes: SCENES.calibrate })),
      test: await kept(new SceneDataset('test', { scenes: SCENES.test })),
    };
    const result = await compress({
      model,
      data,
      out,
      preprocessing: PREPROCESSING,
      clusters: CLUSTERS,
      threads: 1,
      name: 'street',
      version: '2',
      purpose: 'demonstration',
      force: true,
      onProgress,
    });
    const { accuracy, confidence, calibrationError } = await judge(out, data.test);
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n${tableOf(accuracy)}\n`);
    process.stdout.write(
      `mean probability ${percent(confidence.clear)} of clear regions, ${percent(confidence.contested)} of contested; calibration error ${percent(calibrationError)}\n` +
        `model.onnx ${await digestOfFile(join(out, 'model.onnx'))}\n`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the compressed model answers, truth in rows. */
function tableOf({ accuracy, n, clear, contested, classes, confusion }: Accuracy): string {
  const cell = (text: string | number): string => String(text).padStart(11);
  const names = classes.map(({ class: name }) => name);
  const rows = classes.map(({ class: name, accuracy: share }, i) => [name, ...(confusion[i] ?? []), percent(share)]);
  return [
    ['truth', ...names, 'right'].map(cell).join(''),
    ...rows.map((row) => row.map(cell).join('')),
    `all ${n}: ${percent(accuracy)}, the ${clear.n} clear ones: ${percent(clear.accuracy)}, the ${contested.n} contested: ${percent(contested.accuracy)}`,
  ].join('\n');
}

await makePackage(process.argv[2] ?? join(PACKAGE_ROOT, 'demo', 'package')).catch((thrown: unknown) => {
  const error = asWaysideError(thrown);
  say(formatError(error));
  process.exitCode = error.exitCode;
});
