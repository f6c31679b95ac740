import { join } from 'node:path';
import { accuracyFigure } from '../harness/accuracy.ts';
import type { Benchmark, Figure } from '../harness/benchmark.ts';
import { cifar10Folder } from '../harness/data.ts';
import { type CompressReport, type StageReport, waysideCompress } from '../harness/process/child.ts';
import type { Workplace } from '../harness/workplace.ts';

interface Setting {
  readonly clusters: number;
  /** Points of top-1 that training must win back. */
  readonly atLeast?: number;
}

/** Few clusters cost accuracy that can be won back; 16 cost none, and training must not take any. */
const SETTINGS: readonly Setting[] = [{ clusters: 4, atLeast: 0.5 }, { clusters: 8 }, { clusters: 16, atLeast: 0 }];

const stageOf = ({ stages }: CompressReport, wanted: string): StageReport => {
  const found = stages.find(({ name }) => name === wanted);
  if (found === undefined) throw new Error(`compress reported no stage ${wanted}`);
  return found;
};

async function measure({ clusters, atLeast }: Setting, place: Workplace): Promise<Figure[]> {
  const model = join(place.data, 'models', 'resnet-cifar10', 'resnet20-cifar10.onnx');
  const data = `cifar10:${await cifar10Folder(place)}`;
  place.say(`${clusters} clusters`);
  const out = join(place.scratch, `qat-${clusters}`);
  const more = ['--clusters', String(clusters), '--qat-epochs', '1'];
  const report = await waysideCompress([model, '--data', data, '--out', out, ...more], place);
  const [before, after] = [stageOf(report, 'quantize'), stageOf(report, 'qat')];
  const top1 = (subject: string, stage: StageReport): Figure[] => [
    accuracyFigure(subject, stage),
    { subject, measure: 'loss', value: (report.baseline.top1 - stage.top1) * 100, unit: 'points' },
  ];
  const wonBack = (after.top1 - before.top1) * 100;
  const limit = atLeast === undefined ? {} : { limit: { atLeast } };
  const subject = `${clusters} clusters, trained for an epoch`;
  return [
    ...top1(`${clusters} clusters`, before),
    ...top1(subject, after),
    { subject, measure: 'won back', value: wonBack, unit: 'points', ...limit },
  ];
}

export const qat: Benchmark = {
  name: 'qat',
  title: 'Training the int8 model with its rounding simulated: ResNet20 on CIFAR-10',
  method:
    '`wayside compress --clusters K --qat-epochs 1`. The int8 model before training is the one that the same command writes without `--qat-epochs`; ' +
    'both are measured in ONNX Runtime on the test images. Epoch and acceptance are chosen on a twentieth of the training images, which is ' +
    'not trained on.',
  layout: 'grid',
  needs: ['shared-data'],
  async run(place) {
    const figures: Figure[] = [];
    for (const setting of SETTINGS) figures.push(...(await measure(setting, place)));
    return { figures, notes: ['5,000 of the 10,000 test images are in the test data'] };
  },
};
