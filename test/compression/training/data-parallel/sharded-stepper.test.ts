import { readdirSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { crossEntropy } from '../../../../compression/autodiff/losses/cross-entropy.ts';
import { distillation } from '../../../../compression/autodiff/losses/distillation.ts';
import { buildTrainingGraph } from '../../../../compression/autodiff/training-graph.ts';
import { exchangeFolder } from '../../../../compression/training/data-parallel/exchange.ts';
import { openShardedStepper } from '../../../../compression/training/data-parallel/sharded-stepper.ts';
import { ofWholeBatch } from '../../../../compression/training/data-parallel/shards.ts';
import { stepPlan } from '../../../../compression/training/step-plan.ts';
import { openStepper, type Stepper } from '../../../../compression/training/stepper.ts';
import { type Weights, weightsOf } from '../../../../compression/training/weights.ts';
import { seededRandom } from '../../../../core/random.ts';
import { childrenOf } from '../../../support/processes.ts';
import { until } from '../../../support/until.ts';
import { SIDE, smallNetwork } from '../support.ts';

const BATCH = 48;
const random = seededRandom(4);
const data = Float32Array.from({ length: BATCH * 3 * SIDE * SIDE }, random.normal);
const targets = Float32Array.from({ length: BATCH * 3 }, (_, i) => (i % 3 === Math.floor(i / 3) % 3 ? 1 : 0));

interface Opened {
  readonly stepper: Stepper;
  readonly weights: Weights;
}

async function open(shards: number, batchNorm: 'training' | 'frozen', taught = false): Promise<Opened> {
  const model = smallNetwork();
  const loss = taught ? distillation() : crossEntropy;
  const graph = buildTrainingGraph(model, { batch: BATCH / shards, loss, batchNorm });
  const weights = weightsOf(model, graph.parameters, ofWholeBatch(graph.statistics, shards));
  const plan = await stepPlan(graph, weights, taught ? smallNetwork(8) : undefined);
  const stepper = await (shards === 1
    ? openStepper(plan, weights.values, 1)
    : openShardedStepper(plan, weights.values, { shards, threads: 1 }));
  onTestFinished(() => stepper.close());
  return { stepper, weights };
}

/** Of this process alone: others train beside it. */
const exchanges = (): string[] =>
  readdirSync(exchangeFolder(0)).filter((name) => name.startsWith(`wayside-training-${process.pid}-`));

function expectNear(found: readonly Float32Array[], expected: readonly Float32Array[]): void {
  expect(found.map(({ length }) => length)).toEqual(expected.map(({ length }) => length));
  found.forEach((array, i) => {
    const largest = expected[i]!.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
    array.forEach((value, j) => {
      expect(Math.abs(value - expected[i]![j]!) / largest).toBeLessThan(1e-4);
    });
  });
}

describe('a batch in parts, each in a process of its own', () => {
  it.each([[false], [true]])('has the loss and the gradients of the whole, with a teacher: %s', async (taught) => {
    const one = await open(1, 'frozen', taught);
    const three = await open(3, 'frozen', taught);
    for (let step = 0; step < 2; step++) {
      const whole = await one.stepper.step(data, targets);
      const parts = await three.stepper.step(data, targets);
      expect(parts.loss).toBeCloseTo(whole.loss, 4);
      expectNear(parts.gradients, whole.gradients);
      for (const { weights } of [one, three]) for (const array of weights.values) array[0]! += 0.5; // seen by the next step
    }
  });

  it('has the statistics of the whole at its first normalisation', async () => {
    const whole = await (await open(1, 'training')).stepper.step(data, targets);
    const parts = await (await open(3, 'training')).stepper.step(data, targets);
    expectNear(parts.statistics.slice(0, 2), whole.statistics.slice(0, 2));
  });

  it('says so when a process is gone, and then ends the others', async () => {
    const before = (await childrenOf(process.pid)).map(({ pid }) => pid);
    const { stepper } = await open(3, 'frozen');
    const started = (await childrenOf(process.pid)).map(({ pid }) => pid).filter((pid) => !before.includes(pid));
    expect(started).toHaveLength(3);
    process.kill(started[1]!, 'SIGKILL');
    await expect(stepper.step(data, targets)).rejects.toMatchObject({ code: 'TRAINING_LOST' });
    await expect(stepper.step(data, targets)).rejects.toMatchObject({ code: 'TRAINING_LOST' });
    await stepper.close();
    const left = async (): Promise<boolean> => (await childrenOf(process.pid)).some(({ pid }) => started.includes(pid));
    await until('the others to end', async () => !(await left()));
  });

  it('leaves no files behind, not even while it works', async () => {
    const before = exchanges();
    await (await open(2, 'frozen')).stepper.step(data, targets);
    expect(exchanges().filter((name) => !before.includes(name))).toEqual([]);
  });
});
