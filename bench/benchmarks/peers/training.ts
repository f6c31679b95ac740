import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { compiledModule } from '../../../core/layout.ts';
import { median } from '../../../core/statistics.ts';
import { GRADIENT_CASES } from '../../gradient/cases.ts';
import { checkCase } from '../../gradient/check-case.ts';
import type { Benchmark, Figure } from '../../harness/benchmark.ts';
import { PEERS, peerPython } from '../../harness/peers/environment.ts';
import { steppedInTurns } from '../../harness/stepping.ts';
import type { Workplace } from '../../harness/workplace.ts';

const BATCH = 128;
/** Measured on as many as there are processors. */
const THREADS = [1, 2, 4];
const NETWORKS = [
  { name: 'resnet20', title: 'ResNet20', rounds: 20 },
  { name: 'vgg16', title: 'VGG16', rounds: 8 },
] as const;
/** Largest error against finite differences that float32 explains. */
const MOST_ERROR = 5e-3;

async function throughput(python: string, threads: number, place: Workplace): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { name, title, rounds } of NETWORKS) {
    place.say(`${title}: ${rounds} steps of each on ${threads === 1 ? 'one thread' : `${threads} threads`}`);
    const args = [name, String(BATCH), String(threads)];
    const [ours = [], theirs = []] = await steppedInTurns(
      [
        { program: process.execPath, args: [compiledModule('bench/peers/wayside_training'), ...args] },
        { program: python, args: [join(PEERS, 'torch_training.py'), ...args] },
      ],
      { warmUp: 2, rounds, signal: place.signal },
    );
    const speed = (times: readonly number[]): number => (BATCH * 1000) / median(times);
    const ratio = median(theirs.map((time, round) => time / (ours[round] ?? Number.NaN)));
    const subject = `${title}, ${threads === 1 ? 'one thread' : `${threads} threads`}`;
    figures.push(
      { subject, measure: 'Wayside', value: speed(ours), unit: 'pictures/s' },
      { subject, measure: 'PyTorch', value: speed(theirs), unit: 'pictures/s' },
      { subject, measure: 'Wayside / PyTorch', value: ratio, unit: 'times', limit: { atLeast: 0.8 } },
    );
  }
  return figures;
}

/** The largest error of each operator over its cases. */
async function gradientErrors(): Promise<Figure[]> {
  const worst = new Map<string, number>();
  for (const each of GRADIENT_CASES) {
    const { error } = await checkCase(each);
    worst.set(each.opType, Math.max(worst.get(each.opType) ?? 0, error));
  }
  return [...worst].map(([opType, value]) => ({
    subject: `gradient of ${opType}`,
    measure: 'error against finite differences',
    value,
    unit: '',
    limit: { atMost: MOST_ERROR },
  }));
}

export const training: Benchmark = {
  name: 'training',
  title: 'Training on ONNX Runtime against PyTorch',
  method:
    `One training step (forward, cross-entropy, backward, SGD with momentum, running statistics) of the same networks on the same ${BATCH} random pictures of 32x32, ` +
    'by Wayside and by PyTorch, with the same number of threads: those of Wayside are processes that each take a part of the batch (`wayside train --threads`), those of PyTorch work inside operators. The two step in turns, never at once; speeds are of the median step, and the ratio is the median of the ratios of neighbouring steps. ' +
    'The error of a gradient is the largest difference from central difference quotients over all elements of all inputs, relative to the largest quotient, in float32.',
  layout: 'list',
  needs: ['python3'],
  async run(place) {
    const peer = await peerPython(place, 'requirements-torch.txt');
    if ('missing' in peer) return { skipped: peer.missing };
    const figures: Figure[] = [];
    for (const threads of THREADS.filter((count) => count <= availableParallelism())) {
      figures.push(...(await throughput(peer.python, threads, place)));
    }
    place.say('gradients');
    return { figures: [...figures, ...(await gradientErrors())], notes: [] };
  },
};
