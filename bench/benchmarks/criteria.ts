import { join } from 'node:path';
import { CRITERION_NAMES, type CriterionName } from '../../compression/pruning/criteria/registry.ts';
import type { Benchmark, Figure } from '../harness/benchmark.ts';
import { cifar10Folder } from '../harness/data.ts';
import { waysideCompress } from '../harness/process/child.ts';
import type { Workplace } from '../harness/workplace.ts';

/** Shares of the operations that go. */
const GOALS = [0.3, 0.5];

async function measure(goal: number, criterion: CriterionName, place: Workplace): Promise<Figure[]> {
  const model = join(place.data, 'models', 'resnet-cifar10', 'resnet20-cifar10.onnx');
  const data = `cifar10:${await cifar10Folder(place)}`;
  const out = join(place.scratch, `${criterion}-${goal}`);
  place.say(`${criterion}, ${goal * 100}% fewer operations`);
  const options = ['--prune-flops', String(goal), '--prune-criterion', criterion];
  const { stages } = await waysideCompress([model, '--data', data, '--out', out, ...options], place);
  const subject = `${goal * 100}% fewer operations, ${criterion}`;
  return stages
    .filter(({ name }) => name === 'prune' || name === 'reconstruct')
    .map(({ name, top1 }) => ({ subject, measure: `top-1 after ${name}`, value: top1 * 100, unit: '%' }));
}

export const criteria: Benchmark = {
  name: 'criteria',
  title: 'What decides which channels go: ResNet20 on CIFAR-10, before any training',
  method:
    '`wayside compress --prune-flops G --prune-criterion C`: top-1 on the test images once the channels are gone, and once the layers are solved anew, ' +
    'without labels. Channel counts come in multiples of 4; 2,048 training images judge and solve.',
  layout: 'grid',
  needs: ['shared-data'],
  async run(place) {
    const figures: Figure[] = [];
    for (const goal of GOALS) {
      for (const criterion of CRITERION_NAMES) figures.push(...(await measure(goal, criterion, place)));
    }
    return { figures, notes: ['5,000 of the 10,000 test images are in the test data'] };
  },
};
