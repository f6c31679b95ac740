import { existsSync } from 'node:fs';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unpackBundle } from '../../deploy/bundle/read-bundle.ts';
import { bundlePackage, modelOverTheAir } from '../../deploy/bundle/write-bundle.ts';
import { readPackage } from '../../inference/read-package.ts';
import type { Benchmark, Figure } from '../harness/benchmark.ts';
import { cifar10Folder } from '../harness/data.ts';
import { generalPackers } from '../harness/general-packers.ts';
import { waysideCompress, waysideFinetune } from '../harness/process/child.ts';
import type { Workplace } from '../harness/workplace.ts';

/** A package that another benchmark leaves: it takes an hour to make. */
interface Kept {
  readonly name: string;
  readonly subject: string;
  readonly benchmark: string;
  /** How many times smaller than the float file it must be. */
  readonly goal?: number;
}

const KEPT: readonly Kept[] = [
  { name: 'over-the-air-vgg16-given', subject: 'VGG16 as given', benchmark: 'slim-vgg16-given' },
  { name: 'over-the-air-vgg16', subject: 'VGG16 for a thin link', benchmark: 'slim-vgg16-air', goal: 100 },
  { name: 'over-the-air-resnet34', subject: 'ResNet34', benchmark: 'slim-resnet34' },
];

const FINETUNED = ['--normalize', 'cifar10', '--epochs', '1', '--rate', '0.0005', '--augment', 'none'];
const CLUSTERED = ['--clusters', '16', '--target', 'x64-vnni', '--limit', '500'];

/** User and system time of this process, seconds: wall time would measure what else the machine does. */
async function timed<T>(work: () => Promise<T>): Promise<{ result: T; seconds: number }> {
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  return { result, seconds: (user + system) / 1e6 };
}

const kilobytes = (subject: string, measure: string, bytes: number): Figure => ({
  subject,
  measure,
  value: bytes / 1000,
  unit: 'kB',
});

/** One package beside general packers, its way through the air measured in both directions. */
async function measure(subject: string, dir: string, place: Workplace, goal?: number): Promise<Figure[]> {
  place.say(`${subject}: packing`);
  const { modelPath, manifest, bytes: runBytes } = await readPackage(dir);
  const model = await readFile(modelPath);
  const packers = await generalPackers(place);
  const others = await Promise.all(
    packers.map(async ({ name, packed }) => kilobytes(subject, name, await packed(modelPath, model))),
  );
  const packing = await timed(() => bundlePackage(dir));
  const bundle = join(place.scratch, 'one.bundle');
  await writeFile(bundle, packing.result.bytes);
  const unpacking = await timed(() => unpackBundle(bundle, join(place.scratch, 'one'), { replace: true }));
  const float = manifest.measured?.baseline?.bytes;
  const { packageBytes, bytes } = packing.result;
  return [
    kilobytes(subject, 'file as run', runBytes),
    ...others,
    kilobytes(subject, 'over the air', await modelOverTheAir(model)),
    kilobytes(subject, 'package', packageBytes),
    kilobytes(subject, 'package over the air', bytes.length),
    ...(float === undefined ? [] : smaller(subject, float, bytes.length, goal)),
    { subject, measure: 'packing', value: packageBytes / 1e6 / packing.seconds, unit: 'MB/s' },
    { subject, measure: 'unpacking', value: packageBytes / 1e6 / unpacking.seconds, unit: 'MB/s' },
  ];
}

const smaller = (subject: string, float: number, bytes: number, goal: number | undefined): Figure[] => [
  {
    subject,
    measure: 'smaller than the float file',
    value: float / bytes,
    unit: 'times',
    ...(goal !== undefined && { limit: { atLeast: goal } }),
  },
];

/** Bytes of an image in the binary layout of CIFAR-10, its label included. */
const RECORD = 3073;
const TUNED_ON = 4000;

/** The first training images, and all test images. */
async function fewImages(data: string, { scratch }: Workplace): Promise<string> {
  const folder = join(scratch, 'few');
  await mkdir(folder);
  const first = await readFile(join(data, 'data_batch_1.bin'));
  await writeFile(join(folder, 'data_batch_1.bin'), first.subarray(0, TUNED_ON * RECORD));
  await symlink(join(data, 'test_batch.bin'), join(folder, 'test_batch.bin'));
  return folder;
}

/** A network, the same trained a little further, and what the second costs a box that has the first. */
async function differences(place: Workplace): Promise<Figure[]> {
  const given = join(place.data, 'models', 'resnet-cifar10', 'resnet20-cifar10.onnx');
  const data = await cifar10Folder(place);
  const packageOf = async (name: string, model: string): Promise<string> => {
    place.say(`ResNet20, ${name}: compressing`);
    const out = join(place.scratch, name);
    await waysideCompress([model, '--data', `cifar10:${data}`, ...CLUSTERED, '--out', out], place);
    return out;
  };
  const parent = await packageOf('as given', given);
  const tuned = join(place.scratch, 'tuned.onnx');
  place.say('ResNet20: fine-tuning');
  const few = `cifar10:${await fewImages(data, place)}`;
  await waysideFinetune([given, '--data', few, ...FINETUNED, '--out', tuned], place);
  const child = await packageOf('fine-tuned', tuned);
  const subject = 'ResNet20 as given, then fine-tuned';
  const whole = await bundlePackage(child);
  const delta = await bundlePackage(child, { parent });
  return [
    ...(await measure('ResNet20', parent, place)),
    kilobytes(subject, 'whole', whole.bytes.length),
    kilobytes(subject, 'as differences', delta.bytes.length),
    { subject, measure: 'smaller by', value: 100 * (1 - delta.bytes.length / whole.bytes.length), unit: '%' },
  ];
}

const METHOD =
  '"Over the air" is `model.onnx` alone, as gzip, brotli and zstd have it; "package over the air" is the bundle that a box fetches, with ' +
  'golden samples, report and manifest, and it is what is held against the float file. Speed is bytes of the unpacked package by user and ' +
  'system time of one process, reading, verifying and writing included.';

const kept = ({ name, subject, benchmark, goal }: Kept): Benchmark => ({
  name,
  title: `Bytes over the air: ${subject}`,
  method: `The package that \`${benchmark}\` left. ${METHOD}`,
  layout: 'grids',
  needs: ['shared-data'],
  async run(place) {
    const dir = join(place.cache, 'slim', benchmark);
    if (!existsSync(dir)) return { skipped: `its package is not here: \`npm run bench -- ${benchmark}\` makes it` };
    return { figures: await measure(subject, dir, place, goal), notes: [] };
  },
});

const fineTuned: Benchmark = {
  name: 'over-the-air',
  title: 'Bytes over the air: bundles beside general packers, and differences',
  method:
    `ResNet20 with 16 clusters. ${METHOD} Differences: ResNet20 as given, and trained for one more epoch on 4,000 images at a rate of ` +
    '0.0005, each compressed by itself.',
  layout: 'grids',
  needs: ['shared-data'],
  run: async (place) => ({ figures: await differences(place), notes: [] }),
};

export const overTheAir: readonly Benchmark[] = [fineTuned, ...KEPT.map(kept)];
