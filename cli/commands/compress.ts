import { readdir } from 'node:fs/promises';
import { Command, Option } from 'commander';
import type { PositionRange } from '../../calibration/datasets/ranges.ts';
import type { CriterionName } from '../../compression/pruning/criteria/registry.ts';
import { isSystemError, messageOf, WaysideError } from '../../core/errors.ts';
import type { CompressResult } from '../../exporter/commands/compress.ts';
import { FIELDS } from '../../exporter/plan/fields.ts';
import type { HeadName } from '../../inference/heads/head.ts';
import { bytes, changeInterval, count, milliseconds, percent, points, ratio, shareInterval } from '../format.ts';
import {
  dataOption,
  decimal,
  integer,
  outputOption,
  type PixelOptions,
  pixelOptions,
  validationOption,
} from '../options/common.ts';
import { headOption } from '../options/head.ts';
import { numberOption, openNumberOption } from '../options/plan.ts';
import { criterionOption, goalOptions } from '../options/pruning.ts';
import { type QuantizingOptions, quantizingOptions } from '../options/quantizing.ts';
import { calibrationOption, seedOption } from '../options/stage.ts';
import { type Context, running } from '../running.ts';
import { stageTable } from '../stage-table.ts';
import { table } from '../table.ts';
import { type TeacherOptions, teacherWeightOption } from '../teacher.ts';

interface CompressOptions extends PixelOptions, QuantizingOptions, TeacherOptions {
  readonly data: string;
  readonly validation?: readonly PositionRange[];
  readonly out: string;
  readonly calibration: number;
  readonly clusters?: number;
  readonly bitsPerWeight?: number;
  readonly pruneFlops?: number;
  readonly pruneParams?: number;
  readonly pruneBytes?: number;
  readonly pruneLatency?: number;
  readonly pruneCriterion?: CriterionName;
  readonly finetuneEpochs?: number;
  readonly qatEpochs?: number;
  readonly flip: boolean;
  readonly budget?: number;
  readonly seed: number;
  readonly target: string;
  readonly plan?: string;
  readonly limit?: number;
  readonly name?: string;
  readonly threshold?: number;
  readonly threads?: number;
  readonly calibrationTable?: string;
  readonly allowFloat?: true;
  readonly allowNoisyLayers?: true;
  readonly force?: true;
  readonly output?: string;
  readonly head?: HeadName;
}

export function compressCommand(): Command {
  const command = new Command('compress')
    .summary('turn a float ONNX classifier or detector into an int8 model package')
    .description(
      'Turns a float ONNX classifier into a model package with a calibrated int8 model, its weights clustered if asked for. ' +
        'Both models are measured on the test part of the data set, in ONNX Runtime. With --head it is a detector, for which any images will do, ' +
        'without labels: what is decided, is decided by its boxes, and they are compared with those of the float model.',
    )
    .argument('<model>', 'float ONNX file')
    .addOption(dataOption())
    .addOption(validationOption())
    .addOption(new Option('--out <folder>', 'folder of the package').makeOptionMandatory())
    .addOption(calibrationOption());
  for (const option of goalOptions('prune-')) command.addOption(option);
  command
    .addOption(criterionOption('prune-criterion'))
    .addOption(numberOption('--finetune-epochs <n>', FIELDS.finetune.epochs))
    .addOption(numberOption('--qat-epochs <n>', FIELDS.qat.epochs))
    .addOption(
      new Option(
        '--teacher <model>',
        'ONNX file of a better model to learn from while training (default: the model itself)',
      ),
    )
    .addOption(teacherWeightOption())
    .addOption(new Option('--no-flip', 'do not mirror images while training: for signs and letters'))
    .addOption(openNumberOption('--clusters <k>', FIELDS.clusters, 'not clustered'))
    .addOption(openNumberOption('--bits-per-weight <b>', FIELDS.bitsPerWeight, 'as many as they take'))
    .addOption(
      new Option(
        '--budget <points>',
        'points of top-1 accuracy that may be lost, such as 0.3: the layers that cost most are kept finer until it holds, and a model that misses it is not written (default: no limit)',
      ).argParser(decimal(0, 100)),
    )
    .addOption(seedOption());
  for (const option of quantizingOptions()) command.addOption(option);
  command
    .addOption(new Option('--plan <file>', 'repeat an earlier run: its plan, or the manifest.json of its package'))
    .addOption(
      new Option('--limit <n>', 'test images to measure on, spread evenly (default: all)').argParser(integer(1)),
    )
    .addOption(new Option('--name <name>', 'name of the package (default: that of the file)'))
    .addOption(
      new Option('--threshold <p>', 'least probability of an answer that the box reports (default: 0.5)').argParser(
        decimal(0, 1),
      ),
    )
    .addOption(
      new Option('--threads <n>', 'threads for training and calibration; measuring is always on one').argParser(
        integer(1, 256),
      ),
    )
    .addOption(headOption())
    .addOption(new Option('--force', 'replace the output folder'))
    .addOption(outputOption());
  for (const option of pixelOptions()) command.addOption(option);
  return command.action(running(compressModel));
}

/** Said before minutes of work, not after. @throws {WaysideError} OUTPUT_EXISTS */
async function requireFree(out: string): Promise<void> {
  const held = await readdir(out).catch((cause: unknown) => {
    if (isSystemError(cause, 'ENOENT')) return [];
    if (isSystemError(cause, 'ENOTDIR')) return [out];
    throw new WaysideError('FILE_WRITE_FAILED', { message: `cannot use ${out}: ${messageOf(cause)}`, cause });
  });
  if (held.length === 0) return;
  throw new WaysideError('OUTPUT_EXISTS', {
    message: `${out} already exists`,
    hint: 'name another folder, or allow replacing it with --force',
  });
}

/** @throws {WaysideError} FILE_NOT_FOUND; USAGE for a file that holds no plan */
async function readPlan(path: string) {
  const [{ readNamedFile }, { CompressionPlan }] = await Promise.all([
    import('../../core/files.ts'),
    import('../../exporter/plan/plan.ts'),
  ]);
  const text = (await readNamedFile(path)).toString('utf8');
  const refuse = (why: string): WaysideError =>
    new WaysideError('USAGE', {
      message: `${path} holds no plan: ${why}`,
      hint: 'name the manifest.json of a package',
    });
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw refuse(messageOf(cause));
  }
  const inside = typeof document === 'object' && document !== null && 'plan' in document ? document.plan : document;
  const parsed = CompressionPlan.safeParse(inside);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw refuse(issue === undefined ? 'it is empty' : `${issue.path.join('.')}: ${issue.message}`);
}

/** Coding takes a second for a million weights: of larger models it is left to `wayside bundle`. */
const LARGEST_CODED = 16e6;

async function compressModel(context: Context, model: string, options: CompressOptions): Promise<void> {
  const { signal, onProgress, report, note } = context;
  if (options.force !== true) await requireFree(options.out);
  if (options.head !== undefined) {
    const { compressByHead } = await import('../detector/compress.ts');
    return compressByHead(context, model, { ...options, head: options.head });
  }
  const plan = options.plan === undefined ? undefined : await readPlan(options.plan);
  const [{ compress }, { modelOverTheAir }, { readModel }, { widenFloats }] = await Promise.all([
    import('../../exporter/commands/compress.ts'),
    import('../../deploy/bundle/write-bundle.ts'),
    import('../../onnx/file/read.ts'),
    import('../../exporter/reading/widen-floats.ts'),
  ]);
  const teacher = options.teacher === undefined ? undefined : widenFloats(await readModel(options.teacher));
  context.keeps(`${options.out}.work`);
  const overTheAir = async (bytes: Uint8Array): Promise<number | undefined> => {
    if (bytes.length > LARGEST_CODED) return undefined;
    onProgress({ stage: 'coding the weights for the way', done: 0, total: 1 });
    return modelOverTheAir(bytes, signal);
  };
  const result = await compress({ ...options, model, plan, teacher, signal, onProgress, note, overTheAir });
  report({ document: documentOf(result), text: summary(result) });
}

/** The shape other tools rely on: docs/reference/cli.md. */
const documentOf = ({
  package: folder,
  baseline,
  candidate,
  change,
  uniqueWeights,
  bitsPerWeight,
  fused,
  noisy,
  notes,
  warnings,
  validation,
  stages,
  budget,
  overTheAir,
}: CompressResult) => ({
  package: folder,
  baseline,
  candidate,
  change,
  uniqueWeights,
  bitsPerWeight,
  fused,
  ...(noisy.length === 0 ? {} : { noisy }),
  ...(notes.length === 0 ? {} : { notes }),
  ...(warnings.length === 0 ? {} : { warnings }),
  ...(validation === undefined ? {} : { validation }),
  stages,
  ...(budget === undefined ? {} : { budget }),
  overTheAir: overTheAir ?? null,
});

function summary(result: CompressResult): string {
  const { baseline, candidate, uniqueWeights, bitsPerWeight, fused, stages, overTheAir } = result;
  const rows = [
    ['', 'float', 'compressed', 'change'],
    ['top-1', percent(baseline.top1), percent(candidate.top1), points(baseline.top1, candidate.top1)],
    [
      'size',
      bytes(baseline.bytes),
      bytes(candidate.bytes),
      ratio(baseline.bytes, candidate.bytes, 'smaller', 'larger'),
    ],
    ...(overTheAir === undefined
      ? []
      : [['over the air', '', bytes(overTheAir), ratio(baseline.bytes, overTheAir, 'smaller', 'larger')]]),
    [
      'latency',
      milliseconds(baseline.latencyMs),
      milliseconds(candidate.latencyMs),
      ratio(baseline.latencyMs, candidate.latencyMs, 'faster', 'slower'),
    ],
    ['bits a weight', '32', bitsPerWeight.toFixed(2), ratio(32, bitsPerWeight, 'fewer', 'more')],
    ['distinct weights', count(uniqueWeights.before), count(uniqueWeights.after), ''],
  ];
  const left = fused.float.length;
  return [
    ...(stages.length > 2 ? [stageTable(stages), ''] : []),
    table(rows, ['left', 'right', 'right']),
    '',
    `measured on ${count(candidate.samples)} images; latency of one image on one thread`,
    ...intervalLines(result),
    ...validationLines(result),
    `${fused.quantized} convolutions and matrix products run in int8, ${left === 0 ? 'none' : left} stayed in float`,
    ...fused.float.map(({ name, opType, reason }) => `  ${opType} ${name}: ${reason}`),
    ...budgetLines(result),
    `package: ${result.package}`,
  ].join('\n');
}

/** What so many images can tell. */
function intervalLines({ baseline, candidate, change }: CompressResult): string[] {
  const of = ({ top1, samples }: CompressResult['baseline']): string => shareInterval(top1, samples);
  return [
    `95 % intervals: float ${of(baseline)}, compressed ${of(candidate)}; change on the same images ${changeInterval(change)}`,
  ];
}

/** On what every choice was made, and what it came to there. */
function validationLines({ validation }: CompressResult): string[] {
  if (validation === undefined) return [];
  const { samples, baseline, candidate } = validation;
  return [
    `decided on ${count(samples)} validation images: ${percent(baseline)} float, ${percent(candidate)} compressed, ${points(baseline, candidate)}; the stages above are measured on those`,
  ];
}

function budgetLines({ budget }: CompressResult): string[] {
  if (budget === undefined) return [];
  const { points: allowed, heldOut, wider } = budget;
  const lost = `${(heldOut.at(-1) ?? 0).toFixed(2)} points lost on held-out images`;
  if (wider.length === 0) return [`budget of ${allowed} points held as planned: ${lost}`];
  const widths = wider.map(
    ({ name, width }) => `  ${name}: ${typeof width === 'number' ? `${width} clusters` : width}`,
  );
  return [`budget of ${allowed} points held by ${wider.length} finer layers: ${lost}`, ...widths];
}
