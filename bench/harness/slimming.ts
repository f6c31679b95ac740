import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { accuracyFigure, lossFigure } from './accuracy.ts';
import type { Benchmark, Figure, Headline, Limit } from './benchmark.ts';
import { cifar10Folder, unpackedModel } from './data.ts';
import { interleavedLatencies, pairedRatio } from './interleave.ts';
import { describeMachine, hasInt8DotProduct } from './machine.ts';
import { type CompressReport, type StageReport, waysideCompress } from './process/child.ts';
import { type Trained, type Training, trainedNetwork } from './trained.ts';
import type { Workplace } from './workplace.ts';

/** A float model that nobody here trained: a file that the test data unpacks. */
interface UnpackedModel {
  readonly unpacked: string;
}

/** A network taken through all stages, and what they must come to. */
export interface Slimming {
  /** Of the benchmark: `slim-resnet20`. */
  readonly name: string;
  readonly network: string;
  /** A file of the test data, as it lies there or to be unpacked, or a training of our own. */
  readonly model: string | UnpackedModel | Training;
  /** Of `wayside compress`. */
  readonly options: readonly string[];
  /** File of the test data that fine-tuning learns from. @default the float model itself */
  readonly teacher?: string;
  /** Least top-1 of the float model, where it is trained here. */
  readonly float?: number;
  /** Points of top-1 that the whole may lose. */
  readonly loss: number;
  /** How many times smaller the file must be, how many times fewer operations it must take, how many times faster run. */
  readonly smaller: number;
  readonly fewer?: number;
  readonly faster?: number;
  readonly headlines?: readonly Headline[];
}

const commandOf = ({ options, teacher }: Slimming): string =>
  `wayside compress ${options.join(' ')}${teacher === undefined ? '' : ' --teacher (ResNet56)'}`;

/** What choices are made by, and stages measured on. */
const judgedOn = ({ options }: Slimming): string =>
  options.includes('--validation')
    ? 'the images of `--validation`, which the float model never saw and nothing is trained or calibrated on; the whole on the test images, once'
    : 'the test images';

const trainingOf = ({ model }: Slimming): string =>
  !ownTraining(model)
    ? ''
    : `The float model comes from \`wayside train ${model.architecture} ${model.options.join(' ')}\` on 38,000 of the 40,000 training images, 2,000 choosing the epoch. `;

function stageFigures(network: string, stage: StageReport, float: StageReport): Figure[] {
  const subject = `${network}: ${stage.name}`;
  return [
    accuracyFigure(subject, stage),
    { subject, measure: 'fewer FLOPs', value: float.flops / stage.flops, unit: 'times' },
    { subject, measure: 'fewer weights', value: float.params / stage.params, unit: 'times' },
    { subject, measure: 'KB', value: stage.bytes / 1000, unit: '' },
    { subject, measure: 'took', value: stage.seconds, unit: 's' },
  ];
}

const reach = (least: number | undefined): { limit: Limit } | undefined =>
  least === undefined ? undefined : { limit: { atLeast: least } };

function wholeFigures(slimming: Slimming, report: CompressReport, faster: number, fast: boolean): Figure[] {
  const { network, loss, smaller, float } = slimming;
  const { baseline, candidate, validation, uniqueWeights, stages, fused } = report;
  const subject = `${network}: whole`;
  const [first, last] = [stages[0]!, stages.at(-1)!];
  return [
    { ...accuracyFigure(subject, baseline, 'float top-1'), ...reach(float) },
    lossFigure(subject, report, loss),
    ...(validation === undefined
      ? []
      : [
          {
            subject,
            measure: 'loss on the validation images',
            value: (validation.baseline - validation.candidate) * 100,
            unit: 'points',
          },
        ]),
    { subject, measure: 'fewer FLOPs', value: first.flops / last.flops, unit: 'times', ...reach(slimming.fewer) },
    { subject, measure: 'smaller file', value: baseline.bytes / candidate.bytes, unit: 'times', ...reach(smaller) },
    { subject, measure: 'faster', value: faster, unit: 'times', ...(fast ? reach(slimming.faster) : undefined) },
    {
      subject,
      measure: 'fewer unique weights',
      value: uniqueWeights.before / uniqueWeights.after,
      unit: 'times',
      limit: { atLeast: 80 },
    },
    { subject, measure: 'unique weights left', value: uniqueWeights.after, unit: '' },
    { subject, measure: 'layers in float', value: fused.float.length, unit: '', limit: { atMost: 0 } },
  ];
}

const ownTraining = (model: Slimming['model']): model is Training =>
  typeof model === 'object' && 'architecture' in model;

const givenModel = (file: string, { data }: Workplace): string => join(data, 'models', 'resnet-cifar10', file);

/** Of its epochs, however often it was interrupted; validation is not in them. */
const minutesOf = ({ trained, epochs }: Trained['report']): number =>
  epochs.reduce((sum, { picturesPerSecond }) => sum + trained / picturesPerSecond, 0) / 60;

/** The file to begin from, and what its training said of itself where it is our own. */
async function floatModel(source: Slimming['model'], place: Workplace): Promise<{ model: string; trained?: Trained }> {
  if (ownTraining(source)) {
    const trained = await trainedNetwork(source, place);
    return { model: trained.model, trained };
  }
  return {
    model: typeof source === 'string' ? givenModel(source, place) : await unpackedModel(source.unpacked, place),
  };
}

async function measure(slimming: Slimming, place: Workplace): Promise<{ figures: Figure[]; notes: string[] }> {
  const { name, network, model: source, options, teacher } = slimming;
  const data = `cifar10:${await cifar10Folder(place)}`;
  const { model, trained } = await floatModel(source, place);
  const folder = join(place.cache, 'slim');
  await mkdir(folder, { recursive: true });
  place.say(`${network}: compressing`);
  // A folder that is kept: finished stages of an interrupted run are not computed again.
  const out = join(folder, name);
  const taught = teacher === undefined ? [] : ['--teacher', givenModel(teacher, place)];
  const report = await waysideCompress([model, '--data', data, ...options, ...taught, '--out', out, '--force'], place);
  place.say(`${network}: timing`);
  const times = await interleavedLatencies([model, join(out, 'model.onnx')], [32, 32]);
  const faster = pairedRatio(times[0]!, times[1]!);
  const fast = hasInt8DotProduct(await describeMachine());
  const subject = `${network}: training`;
  const training: Figure[] =
    trained === undefined
      ? []
      : [
          { subject, measure: 'epochs', value: trained.report.epochs.length, unit: '' },
          { subject, measure: 'took', value: minutesOf(trained.report), unit: 'min' },
          { subject, measure: 'top-1 of pictures set aside', value: trained.report.accuracy * 100, unit: '%' },
        ];
  return {
    figures: [
      ...training,
      ...report.stages.flatMap((stage) => stageFigures(network, stage, report.stages[0]!)),
      ...wholeFigures(slimming, report, faster, fast),
    ],
    notes: [
      '5,000 of the 10,000 test images are in the test data',
      ...(fast ? [] : ['this processor has no int8 dot product: the limit on speed does not apply']),
    ],
  };
}

/** The benchmark that takes one network through all stages. */
export const slimmed = (slimming: Slimming): Benchmark => ({
  name: slimming.name,
  title: `${slimming.network} on CIFAR-10: pruned, fine-tuned, clustered, int8`,
  method:
    `${trainingOf(slimming)}\`${commandOf(slimming)}\`: every stage is measured in ONNX Runtime on ${judgedOn(slimming)}, and its time is its own, ` +
    'measuring not counted. Speed is float against compressed, one image, one thread, the two in turns: 40 rounds of 15 runs, the median ' +
    'of the ratios. Unique weights are the distinct values of every convolution and matrix product, added up over the layers: floats ' +
    'before, int8 codes after.',
  layout: 'grids',
  ...(slimming.headlines && { headlines: slimming.headlines }),
  needs: ['shared-data'],
  run: (place) => measure(slimming, place),
});
