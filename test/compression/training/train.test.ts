import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { adamW } from '../../../compression/training/optimizers/adamw.ts';
import { cosine } from '../../../compression/training/optimizers/schedule.ts';
import { sgd } from '../../../compression/training/optimizers/sgd.ts';
import type { TrainOptions } from '../../../compression/training/options.ts';
import { train } from '../../../compression/training/train.ts';
import { encodeModel } from '../../../onnx/file/write.ts';
import { asFloat32 } from '../../../onnx/tensor.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { PLAIN, sides, smallNetwork } from './support.ts';

const options = (changes: Partial<TrainOptions> = {}): TrainOptions => ({
  images: sides(96),
  validation: sides(30, 9),
  preprocessing: PLAIN,
  epochs: 3,
  batch: 16,
  rate: 0.05,
  optimizer: (parameters) => sgd(parameters),
  schedule: cosine(0.1),
  augmentation: { shift: 1, flip: false },
  seed: 1,
  ...changes,
});

describe('training', () => {
  const folder = temporaryFolder();

  it('learns which side is brighter', async () => {
    const { accuracy, epochs } = await train(smallNetwork(), options({ epochs: 6 }));
    expect(accuracy).toBeGreaterThan(0.9);
    expect(epochs.at(-1)?.loss).toBeLessThan(epochs[0]?.loss ?? 0);
  });

  it('comes to the same bytes from the same seed, to others from another', async () => {
    const trained = async (seed: number) => encodeModel((await train(smallNetwork(), options({ seed }))).model);
    const first = await trained(1);
    expect(Buffer.from(await trained(1)).equals(first)).toBe(true);
    expect(Buffer.from(await trained(2)).equals(first)).toBe(false);
  });

  it.each([
    ['sgd', (parameters) => sgd(parameters)],
    ['adamw', (parameters) => adamW(parameters)],
  ] satisfies [string, TrainOptions['optimizer']][])(
    'goes on bit for bit after an interruption, in the middle of an epoch: %s',
    async (_, optimizer) => {
      const whole = await train(smallNetwork(), options({ optimizer }));
      const checkpoint = join(folder(), `${randomUUID()}.checkpoint`);
      const spent: number[] = [];
      for (const stopAt of [4, 5, 8]) {
        const stop = new AbortController();
        let seen = 0;
        const interrupted = train(
          smallNetwork(),
          options({
            optimizer,
            checkpoint,
            signal: stop.signal,
            onProgress: () => {
              if (++seen === stopAt) stop.abort();
            },
          }),
        );
        await expect(interrupted).rejects.toThrow();
        const [header] = (await readFile(checkpoint, 'latin1')).split('\n', 1);
        spent.push(Number(JSON.parse(header!).seconds));
      }
      const resumed = await train(smallNetwork(), options({ optimizer, checkpoint }));
      expect(Buffer.from(encodeModel(resumed.model)).equals(encodeModel(whole.model))).toBe(true);
      expect(resumed.epochs.map(({ loss, accuracy }) => [loss, accuracy])).toEqual(
        whole.epochs.map(({ loss, accuracy }) => [loss, accuracy]),
      );
      const times = [0, ...spent, resumed.seconds];
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(new Set(times).size).toBe(5);
    },
  );

  it('goes on bit for bit in several processes too, and learns there', async () => {
    const parts = { images: sides(192), batch: 32, threads: 2, epochs: 8 };
    const whole = await train(smallNetwork(), options(parts));
    expect(whole.accuracy).toBeGreaterThan(0.9);
    const checkpoint = join(folder(), `${randomUUID()}.checkpoint`);
    const stop = new AbortController();
    let seen = 0;
    const onProgress = (): void => {
      if (++seen === 9) stop.abort();
    };
    const interrupted = train(smallNetwork(), options({ ...parts, checkpoint, signal: stop.signal, onProgress }));
    await expect(interrupted).rejects.toThrow();
    const resumed = await train(smallNetwork(), options({ ...parts, checkpoint }));
    expect(Buffer.from(encodeModel(resumed.model)).equals(encodeModel(whole.model))).toBe(true);
  });

  it('refuses the checkpoint of another training, and a damaged one', async () => {
    const checkpoint = join(folder(), `${randomUUID()}.checkpoint`);
    await train(smallNetwork(), options({ epochs: 1, checkpoint }));
    await expect(train(smallNetwork(), options({ epochs: 1, checkpoint, rate: 0.01 }))).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
    });
    const bytes = await readFile(checkpoint);
    bytes[bytes.length - 3]! ^= 1;
    await writeFile(checkpoint, bytes);
    await expect(train(smallNetwork(), options({ epochs: 1, checkpoint }))).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
    });
  });

  it('stops when the loss is no longer finite', async () => {
    await expect(train(smallNetwork(), options({ rate: 1e30 }))).rejects.toMatchObject({ code: 'TRAINING_DIVERGED' });
  });

  it('refuses images of more classes than the network has scores', async () => {
    const images = { ...sides(96), classes: 4 };
    await expect(train(smallNetwork(), options({ images }))).rejects.toMatchObject({ code: 'DATASET_INVALID' });
  });

  it('ends when validation no longer gets better, with the weights of the best epoch', async () => {
    const { epochs, accuracy } = await train(smallNetwork(), options({ epochs: 40, rate: 1e-9, patience: 2 }));
    expect(epochs.length).toBeLessThan(10);
    expect(accuracy).toBe(Math.max(...epochs.map((report) => report.accuracy)));
  });

  it('keeps frozen parameters, and frozen statistics, to the bit', async () => {
    const before = smallNetwork();
    const trains = ({ name }: { name: string }): boolean => name.startsWith('classifier');
    const { model } = await train(before, options({ epochs: 2, trains, batchNorm: 'frozen' }));
    for (const [name, tensor] of before.graph.initializers) {
      const same = Buffer.from(tensor.bytes).equals(model.graph.initializers.get(name)!.bytes);
      expect([name, same]).toEqual([name, !name.startsWith('classifier')]);
    }
  });

  it('keeps its weights where they are told to stay', async () => {
    const constrain: TrainOptions['constrain'] = ({ values }) => values[0]?.fill(0.25);
    const { model } = await train(smallNetwork(), options({ epochs: 2, constrain }));
    expect(new Set(asFloat32(model.graph.initializers.get('stem.weight')!))).toEqual(new Set([0.25]));
  });

  it('learns from the answers of another model', async () => {
    const { model: teacher } = await train(smallNetwork(), options({ epochs: 6 }));
    const { accuracy } = await train(smallNetwork(8), options({ epochs: 6, teacher: { model: teacher } }));
    expect(accuracy).toBeGreaterThan(0.9);
  });
});
