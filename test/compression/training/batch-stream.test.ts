import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { batchMaker } from '../../../compression/training/data/batch-maker.ts';
import { batchesOfEpochs } from '../../../compression/training/data/batch-stream.ts';
import { PLAIN, sides } from './support.ts';

const plan = { images: sides(48), preprocessing: PLAIN, augmentation: { flip: true }, batch: 8, seed: 3 };

function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

describe('batches from another thread', () => {
  it('are those that the seed says, in their order, from where they are asked to begin', async () => {
    const make = batchMaker(plan);
    const seen: string[] = [];
    for await (const { epoch, step, data } of batchesOfEpochs(plan, { epochs: 2, fromStep: 4 })) {
      seen.push(`${epoch}.${step}`);
      expect(data).toEqual(make(epoch, step).data);
    }
    expect(seen).toEqual(['0.4', '0.5', '1.0', '1.1', '1.2', '1.3', '1.4', '1.5']);
  });

  it('can be collected once they were used: a training of days keeps none of them', async () => {
    const collect = collector();
    const used: WeakRef<Float32Array>[] = [];
    for await (const { data } of batchesOfEpochs(plan, { epochs: 10 })) {
      used.push(new WeakRef(data));
      if (used.length < 60) continue;
      await new Promise(setImmediate); // a WeakRef holds what it was asked for until the turn is over
      collect();
      expect(used.filter((each) => each.deref() !== undefined).length).toBeLessThan(6);
    }
    expect(used.length).toBe(60);
  });

  it('say why when the thread fails', async () => {
    const broken = { ...plan, images: { ...plan.images, positions: [1e9, 2e9] }, batch: 2 };
    const take = async (): Promise<void> => {
      for await (const { data } of batchesOfEpochs({ ...broken, preprocessing: null as never }, { epochs: 1 })) {
        expect(data).toBeUndefined();
      }
    };
    await expect(take()).rejects.toThrow(/null|undefined/);
  });
});
