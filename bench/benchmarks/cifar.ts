import { join } from 'node:path';
import { accuracyFigure, lossFigure } from '../harness/accuracy.ts';
import type { Benchmark, Figure } from '../harness/benchmark.ts';
import { cifar10Folder } from '../harness/data.ts';
import { type CompressReport, waysideCompress } from '../harness/process/child.ts';
import type { Workplace } from '../harness/workplace.ts';

const CALIBRATION = 512;
const CLUSTERS = 16;

interface Network {
  readonly name: string;
  readonly file: string;
  /** Points of top-1 that int8, and int8 with 16 clusters, may lose. */
  readonly int8Loss: number;
  readonly clusteredLoss: number;
  /** How many times smaller the clustered file must be. */
  readonly smaller?: number;
}

const NETWORKS: readonly Network[] = [
  { name: 'ResNet20', file: 'resnet20-cifar10.onnx', int8Loss: 0.3, clusteredLoss: 1.0 },
  { name: 'ResNet56', file: 'resnet56-cifar10.onnx', int8Loss: 0.3, clusteredLoss: 0.5, smaller: 6 },
];

function floatFigures(subject: string, { baseline }: CompressReport): Figure[] {
  return [
    accuracyFigure(subject, baseline),
    { subject, measure: 'KB', value: baseline.bytes / 1000, unit: '' },
    { subject, measure: 'latency', value: baseline.latencyMs, unit: 'ms' },
  ];
}

function compressedFigures(subject: string, report: CompressReport, loss: number, smaller?: number): Figure[] {
  const { baseline, candidate, fused } = report;
  return [
    accuracyFigure(subject, candidate),
    lossFigure(subject, report, loss),
    { subject, measure: 'KB', value: candidate.bytes / 1000, unit: '' },
    {
      subject,
      measure: 'smaller',
      value: baseline.bytes / candidate.bytes,
      unit: 'times',
      ...(smaller === undefined ? {} : { limit: { atLeast: smaller } }),
    },
    { subject, measure: 'latency', value: candidate.latencyMs, unit: 'ms' },
    { subject, measure: 'float convolutions', value: fused.float.length, unit: '', limit: { atMost: 0 } },
  ];
}

async function measure(network: Network, place: Workplace): Promise<Figure[]> {
  const model = join(place.data, 'models', 'resnet-cifar10', network.file);
  const common = [model, '--data', `cifar10:${await cifar10Folder(place)}`, '--calibration', String(CALIBRATION)];
  const compress = (name: string, ...more: string[]): Promise<CompressReport> => {
    place.say(`${network.name}: ${name}`);
    return waysideCompress([...common, '--out', join(place.scratch, `${network.name}-${name}`), ...more], place);
  };
  const int8 = await compress('int8');
  const clustered = await compress('clustered', '--clusters', String(CLUSTERS));
  return [
    ...floatFigures(`${network.name}, float`, int8),
    ...compressedFigures(`${network.name}, int8`, int8, network.int8Loss),
    ...compressedFigures(
      `${network.name}, int8 + ${CLUSTERS} clusters`,
      clustered,
      network.clusteredLoss,
      network.smaller,
    ),
  ];
}

export const cifar: Benchmark = {
  name: 'cifar',
  title: 'ResNets on CIFAR-10: accuracy, size and speed of int8 and of int8 with clustered weights',
  method:
    `\`wayside compress\` with its defaults, once without and once with \`--clusters ${CLUSTERS}\` a layer, calibrated on ` +
    `${CALIBRATION} training images, without fine-tuning. Accuracy is measured in ONNX Runtime on the test images. Sizes are bytes on ` +
    'disk of everything that is needed to load the model. Latency is the median of one image on one thread. Float ' +
    'convolutions are those that ONNX Runtime left in float in the graph it really runs.',
  layout: 'grid',
  headlines: [
    {
      subject: `ResNet56, int8 + ${CLUSTERS} clusters`,
      measure: 'loss',
      says: `accuracy lost by ResNet56 in int8 with ${CLUSTERS} weights a layer, untrained`,
    },
  ],
  needs: ['shared-data'],
  async run(place) {
    const figures: Figure[] = [];
    for (const network of NETWORKS) figures.push(...(await measure(network, place)));
    return { figures, notes: ['5,000 of the 10,000 test images are in the test data'] };
  },
};
