import { join } from 'node:path';
import type { Benchmark, Figure } from '../harness/benchmark.ts';
import { type CompressReport, type StageReport, waysideCompress } from '../harness/child.ts';
import { cifar10Folder } from '../harness/data.ts';
import type { Workplace } from '../harness/workplace.ts';

const CLUSTERS = 16;
const EPOCHS = 4;

interface Network {
  readonly name: string;
  readonly file: string;
  /** Points of top-1 that the whole may lose with fine-tuning, and how many times smaller the file must be. */
  readonly loss: number;
  readonly smaller: number;
}

const NETWORKS: readonly Network[] = [
  { name: 'ResNet20', file: 'resnet20-cifar10.onnx', loss: 1.0, smaller: 10 },
  { name: 'ResNet56', file: 'resnet56-cifar10.onnx', loss: 0.5, smaller: 12 },
];

function stageFigures(subject: string, stage: StageReport, float: StageReport): Figure[] {
  return [
    { subject, measure: 'top-1', value: stage.top1 * 100, unit: '%' },
    { subject, measure: 'fewer FLOPs', value: float.flops / stage.flops, unit: 'times' },
    { subject, measure: 'KB', value: stage.bytes / 1000, unit: '' },
    { subject, measure: 'latency', value: stage.latencyMs, unit: 'ms' },
    { subject, measure: 'took', value: stage.seconds, unit: 's' },
  ];
}

function wholeFigures(subject: string, report: CompressReport, limits?: Network): Figure[] {
  const { baseline, candidate } = report;
  return [
    {
      subject,
      measure: 'loss',
      value: (baseline.top1 - candidate.top1) * 100,
      unit: 'points',
      ...(limits === undefined ? {} : { limit: { atMost: limits.loss } }),
    },
    {
      subject,
      measure: 'smaller',
      value: baseline.bytes / candidate.bytes,
      unit: 'times',
      ...(limits === undefined ? {} : { limit: { atLeast: limits.smaller } }),
    },
  ];
}

async function measure(network: Network, place: Workplace): Promise<Figure[]> {
  const model = join(place.data, 'models', 'resnet-cifar10', network.file);
  const data = `cifar10:${await cifar10Folder(place)}`;
  const common = [
    model,
    '--data',
    data,
    '--prune-flops',
    '0.5',
    '--clusters',
    String(CLUSTERS),
    '--target',
    'x64-vnni',
  ];
  const figures: Figure[] = [];
  for (const [name, more, limits] of [
    ['without labels', [], undefined],
    [`${EPOCHS} epochs`, ['--finetune-epochs', String(EPOCHS)], network],
  ] as const) {
    place.say(`${network.name}: ${name}`);
    const out = join(place.scratch, `${network.name}-${name.replaceAll(' ', '-')}`);
    const report = await waysideCompress([...common, '--out', out, ...more], place);
    const [float] = report.stages;
    if (float === undefined) continue;
    for (const stage of report.stages) {
      figures.push(...stageFigures(`${network.name}, ${name}: ${stage.name}`, stage, float));
    }
    figures.push(...wholeFigures(`${network.name}, ${name}: ${report.stages.at(-1)?.name ?? ''}`, report, limits));
  }
  return figures;
}

export const prune: Benchmark = {
  name: 'prune',
  title: 'Pruning ResNets on CIFAR-10: half of the operations, then int8 with clustered weights',
  method:
    `\`wayside compress --prune-flops 0.5 --clusters ${CLUSTERS} --target x64-vnni\`, once with reconstruction alone (512 training ` +
    `images, no labels) and once with \`--finetune-epochs ${EPOCHS}\`. Every stage is measured in ONNX Runtime on the test images; ` +
    'latency is the median of one image on one thread; time is that of the stage, measuring not counted.',
  layout: 'grid',
  needs: ['shared-data'],
  async run(place) {
    const figures: Figure[] = [];
    for (const network of NETWORKS) figures.push(...(await measure(network, place)));
    return { figures, notes: ['5,000 of the 10,000 test images are in the test data'] };
  },
};
