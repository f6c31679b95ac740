import { rm } from 'node:fs/promises';
import { InvalidArgumentError, Option } from 'commander';
import { type PositionRange, parseRanges } from '../calibration/datasets/ranges.ts';
import type { EpochReport } from '../compression/training/checkpoint.ts';
import type { ClassifierOptions, ClassifierResult } from '../compression/training/classifier.ts';
import { median } from '../core/statistics.ts';
import type { Model } from '../onnx/graph.ts';
import { count, duration, percent, shareInterval } from './format.ts';
import { dataOption, decimal, integer, type PixelOptions, pixelOptions } from './options/common.ts';
import type { Context } from './running.ts';
import { table } from './table.ts';
import { readTeacher, type TeacherOptions, teacherWeightOption } from './teacher.ts';

/** What `train` and `finetune` have in common. */
export interface TrainingOptions extends PixelOptions, TeacherOptions {
  readonly data: string;
  readonly out: string;
  readonly epochs: number;
  readonly batch: number;
  readonly rate?: number;
  readonly optimizer: 'sgd' | 'adamw';
  readonly schedule: 'cosine' | 'one-cycle';
  readonly augment: readonly string[];
  readonly checkpoint?: string;
  readonly validation: number | readonly PositionRange[];
  readonly patience?: number;
  readonly seed: number;
  readonly threads: number;
  readonly force?: true;
}

const AUGMENTATION_NAMES = ['crop', 'flip', 'cutout', 'mixup', 'smoothing'];

function augmentations(text: string): readonly string[] {
  const names = text === 'none' ? [] : text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !AUGMENTATION_NAMES.includes(name));
  if (unknown === undefined) return names;
  throw new InvalidArgumentError(`It must be none, or a list of ${AUGMENTATION_NAMES.join(', ')}.`);
}

/** The same image is never in both: a share is drawn from every class, positions are as given. */
function shareOrRanges(text: string): number | readonly PositionRange[] {
  const ranges = parseRanges(text);
  if (ranges !== undefined) return ranges;
  const share = text.trim() === '' ? Number.NaN : Number(text);
  if (share >= 0 && share <= 0.9) return share;
  throw new InvalidArgumentError(
    'It must be a share from 0 to 0.9, or positions FROM-TO counted from 0 without the last, such as 37500-40000.',
  );
}

export const trainingOptions = (epochs: number, schedule: TrainingOptions['schedule']): Option[] => [
  dataOption(),
  new Option('--out <file>', 'ONNX file to write').makeOptionMandatory(),
  new Option('--epochs <n>', 'times every image is visited').argParser(integer(1, 100_000)).default(epochs),
  new Option('--batch <n>', 'images a step').argParser(integer(1, 65_536)).default(128),
  new Option('--rate <r>', 'highest learning rate (default: by optimizer)').argParser(decimal(0, 100)),
  new Option('--optimizer <name>', 'what turns gradients into steps').choices(['sgd', 'adamw']).default('sgd'),
  new Option('--schedule <name>', 'how the rate goes over the training')
    .choices(['cosine', 'one-cycle'])
    .default(schedule),
  new Option('--augment <list>', `none, or some of ${AUGMENTATION_NAMES.join(', ')}; no flip for signs and letters`)
    .argParser(augmentations)
    .default(['crop', 'flip'], 'crop,flip'),
  new Option('--teacher <model>', 'ONNX file of a better model, whose predictions are learned too'),
  teacherWeightOption(),
  new Option('--checkpoint <file>', 'where the training stands; it goes on from there (default: beside the output)'),
  new Option(
    '--validation <part>',
    'what chooses the best epoch and is not trained on: a share of the training part, such as 0.05, or positions FROM-TO of it, such as 37500-40000 for 37,500 to 39,999',
  )
    .argParser(shareOrRanges)
    .default(0.1),
  new Option('--patience <n>', 'end after so many epochs without a better one (default: never)').argParser(integer(1)),
  new Option('--seed <n>', 'of weights, order and augmentation').argParser(integer(0, 2 ** 32 - 1)).default(0),
  new Option('--threads <n>', 'processes that share every batch, on a thread each')
    .argParser(integer(1, 256))
    .default(1),
  new Option('--force', 'replace the output'),
  ...pixelOptions(),
];

interface Task {
  /** Said in the document and to the person: `resnet20`, or the file that is tuned. */
  readonly of: string;
  readonly model: (classes: number) => Model;
  /** Size of its input, as a session would declare it. */
  readonly inputShape: readonly (number | string)[];
  /** Of the model there was: how it wants its images, where the options do not say. */
  readonly metadata: ReadonlyMap<string, string>;
  readonly rates: Readonly<Record<TrainingOptions['optimizer'], number>>;
  readonly freeze?: boolean;
  /** Put normalisations back where folding has taken them: training needs them. */
  readonly normalises?: boolean;
}

/** Images whose mean and variance the normalisations begin with, as `compress` takes. */
const STATISTICS = 512;

/** Trains, writes the model, reports. */
export async function runTraining(context: Context, options: TrainingOptions, task: Task): Promise<void> {
  const [
    { trainClassifier },
    { openDataset },
    { setAside },
    { defaultPreprocessing },
    { chosenNormalization, declaredClasses, notedClasses, withNotes },
    { writeModel },
    { requireFreeFile },
    { requireAnswers },
    { insertBatchNorm },
    { sampleIndices, seededRandom },
  ] = await Promise.all([
    import('../compression/training/classifier.ts'),
    import('../calibration/datasets/open.ts'),
    import('../calibration/datasets/part.ts'),
    import('../inference/default-preprocessing.ts'),
    import('../exporter/reading/model-notes.ts'),
    import('../onnx/file/write.ts'),
    import('../exporter/commands/stage-file.ts'),
    import('../exporter/verify/require-answers.ts'),
    import('../compression/training/insert-batch-norm.ts'),
    import('../core/random.ts'),
  ]);
  await requireFreeFile(options);
  const normalize = chosenNormalization(options.normalize, task.metadata, context.note);
  const whole = await openDataset(
    options.data,
    'train',
    options.labels === undefined ? {} : { labels: options.labels },
  );
  const { validation } = options;
  const { train: dataset, validation: aside } =
    typeof validation === 'number' ? { train: whole, validation } : setAside(whole, validation);
  const preprocessing = defaultPreprocessing(task.inputShape, normalize === undefined ? {} : { normalize });
  const checkpoint = options.checkpoint ?? `${options.out}.checkpoint`;
  const fitting: ClassifierOptions = {
    ...options,
    ...task,
    model: async (classes) => {
      const model = task.model(classes);
      const indices = sampleIndices(dataset.size, STATISTICS, seededRandom(options.seed)).sort((a, b) => a - b);
      const { threads } = options;
      return task.normalises === true
        ? insertBatchNorm(model, dataset, { preprocessing, indices, threads, signal: context.signal })
        : model;
    },
    dataset,
    validation: aside,
    preprocessing,
    checkpoint,
    rate: options.rate ?? task.rates[options.optimizer],
    teacher: await readTeacher(options),
    signal: context.signal,
    onProgress: context.onProgress,
    // A terminal has its bar; a log has one line an epoch.
    ...(process.stderr.isTTY === true ? {} : { onEpoch: (report) => context.note(epochLine(report, options.epochs)) }),
  };
  context.keeps(checkpoint);
  const result: ClassifierResult = await trainClassifier(fitting);
  const names = dataset.classes ?? notedClasses(result.model.metadata, declaredClasses(result.model), context.note);
  const metadata = new Map(withNotes(result.model.metadata, preprocessing, names));
  metadata.set('wayside.trained', task.of);
  const annotated = { ...result.model, metadata };
  await requireAnswers(annotated, dataset, preprocessing, options.out);
  await writeModel(annotated, options.out);
  if (options.checkpoint === undefined) await rm(checkpoint, { force: true });
  const { classes, accuracy, epochs, trained, validated, seconds } = result;
  const document = { model: options.out, of: task.of, classes, trained, validated, accuracy, seconds, epochs };
  context.report({ document, text: summary(document) });
}

function epochLine({ epoch, loss, accuracy, picturesPerSecond }: EpochReport, epochs: number): string {
  const speed = `${count(Math.round(picturesPerSecond))} images a second`;
  return `epoch ${epoch + 1}/${epochs}: loss ${loss.toFixed(3)}, ${percent(accuracy)} validated, ${speed}`;
}

interface Document {
  readonly model: string;
  readonly of: string;
  readonly classes: number;
  readonly trained: number;
  readonly validated: number;
  readonly accuracy: number;
  readonly seconds: number;
  readonly epochs: ClassifierResult['epochs'];
}

function summary({ model, of, classes, trained, validated, accuracy, seconds, epochs }: Document): string {
  const best = epochs.find((report) => report.accuracy === accuracy);
  const speed = median(epochs.map(({ picturesPerSecond }) => picturesPerSecond));
  return table([
    ['trained', `${of}, ${count(classes)} classes, ${count(trained)} images`],
    [
      'accuracy',
      `${percent(accuracy)} of ${count(validated)} images set aside from the training part (95 %: ${shareInterval(accuracy, validated)})`,
    ],
    ['best epoch', `${(best?.epoch ?? 0) + 1} of ${epochs.length}, loss ${best?.loss.toFixed(3) ?? 'unknown'}`],
    [
      'speed',
      `${epochs.length === 0 ? 'unknown' : count(Math.round(speed))} images a second, ${duration(seconds)} in all`,
    ],
    ['written', model],
  ]);
}
