import { describe, expect, it } from 'vitest';
import { gridLoss } from '../../../compression/autodiff/losses/grid.ts';
import { NetworkBuilder } from '../../../compression/training/networks/layers.ts';
import { adamW } from '../../../compression/training/optimizers/adamw.ts';
import { oneCycle } from '../../../compression/training/optimizers/schedule.ts';
import { trainOnBatches } from '../../../compression/training/train-on-batches.ts';
import { seededRandom } from '../../../core/random.ts';
import { floatsOf, floatTensor, openSession } from '../../../inference/session.ts';
import { encodeModel } from '../../../onnx/file/write.ts';

const SIDE = 16;
const CELLS = (SIDE / 2) ** 2;
const BATCH = 32;
const STEPS = 60;

/** Noise, with one white cell of 2x2 pixels each; the targets say where. */
function spots(step: number) {
  const random = seededRandom(step);
  const data = Float32Array.from({ length: BATCH * 3 * SIDE ** 2 }, () => random.next());
  const targets = new Float32Array(BATCH * 2 * CELLS);
  for (let i = 0; i < BATCH; i++) {
    const [x, y] = [random.below(SIDE / 2), random.below(SIDE / 2)];
    for (let value = 0; value < 12; value++) {
      const [plane, dy, dx] = [value >> 2, (value >> 1) & 1, value & 1];
      data[((i * 3 + plane) * SIDE + 2 * y + dy) * SIDE + 2 * x + dx] = 2;
    }
    targets.fill(1, (2 * i + 1) * CELLS, (2 * i + 2) * CELLS);
    targets[2 * i * CELLS + y * (SIDE / 2) + x] = 1;
  }
  return { data, targets };
}

function untrained() {
  const net = new NetworkBuilder('spots', 1);
  const seen = net.relu(net.conv('conv1', net.input([SIDE, SIDE]), 3, 8, { stride: 2 }));
  return net.map(seen, 8, [-2], [SIDE / 2, SIDE / 2]);
}

const trained = (threads: number) =>
  trainOnBatches(untrained(), {
    loss: gridLoss({ scores: [true], sizeWeight: 0, objects: 1 }),
    batch: BATCH,
    steps: STEPS,
    batchAt: spots,
    rate: 0.05,
    optimizer: (parameters) => adamW(parameters, { weightDecay: 0 }),
    schedule: oneCycle(),
    threads,
  });

describe('trainOnBatches', () => {
  it.each([1, 2])(
    'learns where something is, on batches in %i parts, and comes to the same bytes again',
    async (threads) => {
      const [bytes, again] = [encodeModel(await trained(threads)), encodeModel(await trained(threads))];
      expect(Buffer.from(bytes).equals(again)).toBe(true);
      const session = await openSession(bytes);
      const { data, targets } = spots(STEPS);
      const results = await session.run({ [session.input.name]: floatTensor(data, [BATCH, 3, SIDE, SIDE]) });
      await session.close();
      const map = floatsOf(results, session.output.name);
      const found = Array.from({ length: BATCH }, (_, i) => {
        const scores = map.subarray(i * CELLS, (i + 1) * CELLS);
        return targets[2 * i * CELLS + scores.indexOf(Math.max(...scores))];
      });
      expect(found.filter((is) => is === 1).length).toBeGreaterThanOrEqual(BATCH - 1);
    },
  );
});
