import { describe, expect, it } from 'vitest';
import { adamW } from '../../../compression/training/optimizers/adamw.ts';
import type { Optimizer } from '../../../compression/training/optimizers/optimizer.ts';
import { cosine, oneCycle } from '../../../compression/training/optimizers/schedule.ts';
import { sgd } from '../../../compression/training/optimizers/sgd.ts';

const WEIGHT = [{ name: 'w', kind: 'weight', dims: [3] }] as const;
const GRADIENTS = [
  [0.5, -1, 2],
  [0.1, 0.3, -4],
  [-0.2, 0, 1],
];

function stepped(optimizer: Optimizer, gradients: readonly (readonly number[])[], from = [1, -2, 0.5]): Float32Array {
  const w = Float32Array.from(from);
  for (const gradient of gradients) optimizer.step([w], [Float32Array.from(gradient)], 0.1);
  return w;
}

/** Expected values: torch.optim.SGD and AdamW of PyTorch 2.13 with the same settings. */
describe('optimizers', () => {
  it('sgd steps as PyTorch does, with Nesterov momentum and decay', () => {
    const w = stepped(sgd(WEIGHT, { momentum: 0.9, weightDecay: 5e-4 }), GRADIENTS);
    expect([...w]).toEqual([0.8385752, -1.7366413, 0.7060295].map((value) => expect.closeTo(value, 6)));
  });

  it('adamw steps as PyTorch does', () => {
    const w = stepped(adamW(WEIGHT, { weightDecay: 0.01 }), GRADIENTS);
    expect([...w]).toEqual([0.7825438, -1.8183911, 0.4489442].map((value) => expect.closeTo(value, 6)));
  });

  it.each([
    ['sgd', sgd],
    ['adamw', adamW],
  ] as const)('%s shrinks weights only, never gains and biases', (_, make) => {
    const still = [[0, 0, 0]];
    expect(stepped(make(WEIGHT, { weightDecay: 0.1 }), still)[0]).toBeLessThan(1);
    const gain = [{ name: 'g', kind: 'gain', dims: [3] }] as const;
    expect([...stepped(make(gain, { weightDecay: 0.1 }), still)]).toEqual([1, -2, 0.5]);
  });

  it.each([
    ['sgd', sgd],
    ['adamw', adamW],
  ] as const)('%s goes on from its state exactly', (_, make) => {
    const whole = stepped(make(WEIGHT), GRADIENTS);
    const first = make(WEIGHT);
    const half = stepped(first, GRADIENTS.slice(0, 2));
    const second = make(WEIGHT);
    second.restore(first.state().map((array) => array.slice()));
    expect([...stepped(second, GRADIENTS.slice(2), [...half])]).toEqual([...whole]);
  });
});

describe('schedules', () => {
  it('cosine falls from 1 to 0 after its warm-up', () => {
    const { at } = cosine(0.2);
    expect([0, 0.1, 0.2, 0.6, 1].map(at)).toEqual([0, 0.5, 1, 0.5, 0].map((value) => expect.closeTo(value, 12)));
  });

  /** torch.optim.lr_scheduler.OneCycleLR, 101 steps, pct_start 0.3; its peak lies at step 29.3 of 0 to 100. */
  it('one cycle rises to its peak and falls almost to nothing', () => {
    const { at } = oneCycle(29.3 / 100);
    expect([0, 0.15, 0.65, 1].map(at)).toEqual(
      [0.04, 0.5380089997, 0.4922261251, 4e-6].map((value) => expect.closeTo(value, 9)),
    );
  });
});
