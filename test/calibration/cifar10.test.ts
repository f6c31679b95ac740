import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Dataset, Sample } from '../../calibration/dataset.ts';
import { openDataset } from '../../calibration/datasets/open.ts';

/** Records whose every pixel tells where it is: R = record, G = column, B = row. */
function records(first: number, count: number, label = (record: number) => record % 10): Uint8Array {
  const bytes = new Uint8Array(count * 3073);
  for (let i = 0; i < count; i++) {
    bytes[i * 3073] = label(first + i);
    for (let pixel = 0; pixel < 1024; pixel++) {
      bytes[i * 3073 + 1 + pixel] = (first + i) % 256;
      bytes[i * 3073 + 1025 + pixel] = pixel % 32;
      bytes[i * 3073 + 2049 + pixel] = pixel >> 5;
    }
  }
  return bytes;
}

async function all(dataset: Dataset, indices?: readonly number[]): Promise<Sample[]> {
  const samples: Sample[] = [];
  for await (const sample of dataset.samples(indices)) samples.push(sample);
  return samples;
}

describe('cifar10 data sets', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wayside-cifar-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('stream all batches in their order, pixels interleaved', async () => {
    await writeFile(join(folder, 'data_batch_10.bin'), records(400, 5));
    await writeFile(join(folder, 'data_batch_1.bin'), records(0, 300));
    await writeFile(join(folder, 'data_batch_2.bin'), records(300, 100));
    const dataset = await openDataset(`cifar10:${folder}`, 'train');
    const samples = await all(dataset);
    expect(samples).toHaveLength(405);
    expect(dataset.size).toBe(405);
    samples.forEach(({ label, image }, i) => {
      expect([label, image.data[0]]).toEqual([i % 10, i % 256]);
    });
    const { image, id } = samples[301]!;
    expect(id).toBe('data_batch_2.bin#1');
    expect([...image.data.subarray((5 * 32 + 7) * 3, (5 * 32 + 7) * 3 + 3)]).toEqual([301 % 256, 7, 5]);
  });

  it('give the images asked for, in the order asked for', async () => {
    await writeFile(join(folder, 'data_batch_1.bin'), records(0, 60));
    await writeFile(join(folder, 'data_batch_2.bin'), records(60, 60));
    const dataset = await openDataset(`cifar10:${folder}`, 'train');
    const positions = fc.array(fc.integer({ min: 0, max: 119 }), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(positions, async (indices) => {
        expect((await all(dataset, indices)).map(({ image }) => image.data[0])).toEqual(indices);
      }),
      { numRuns: 30 },
    );
    await expect(all(dataset, [120])).rejects.toMatchObject({ code: 'DATASET_INVALID' });
  });

  it('know the classes: from the file, as CIFAR-10 has them, or not at all', async () => {
    await writeFile(join(folder, 'test.bin'), records(0, 10));
    expect((await openDataset(`cifar10:${folder}`, 'test')).classes?.[9]).toBe('truck');
    await writeFile(
      join(folder, 'test.bin'),
      records(0, 10, () => 42),
    );
    expect((await openDataset(`cifar10:${folder}`, 'test')).classes).toBeUndefined();
    await writeFile(join(folder, 'batches.meta.txt'), 'stop\nyield\n\n');
    expect((await openDataset(`cifar10:${folder}`, 'test')).classes).toEqual(['stop', 'yield']);
  });

  it('serve the part that is there for both, and tell parts apart by their digests', async () => {
    await writeFile(join(folder, 'test_batch.bin'), records(0, 3));
    const only = await openDataset(`cifar10:${folder}`, 'train');
    expect(only.size).toBe(3);
    const before = await only.digest();
    await writeFile(join(folder, 'train.bin'), records(5, 4));
    const train = await openDataset(`cifar10:${folder}`, 'train');
    expect([train.size, await train.digest()]).not.toEqual([3, before]);
    expect(await (await openDataset(`cifar10:${folder}`, 'test')).digest()).toBe(before);
  });

  it('refuse files that are cut short, folders without any, and kinds nobody knows', async () => {
    await expect(openDataset(`cifar10:${folder}`, 'test')).rejects.toMatchObject({ code: 'DATASET_INVALID' });
    await writeFile(join(folder, 'test.bin'), records(0, 3));
    await truncate(join(folder, 'test.bin'), 9000);
    await expect(openDataset(`cifar10:${folder}`, 'test')).rejects.toMatchObject({ code: 'DATASET_INVALID' });
    await expect(openDataset(`cifar10:${folder}/none`, 'test')).rejects.toMatchObject({ code: 'DATASET_INVALID' });
    for (const spec of ['mnist:x', 'cifar10:', folder]) {
      await expect(openDataset(spec, 'test')).rejects.toMatchObject({ code: 'USAGE' });
    }
  });
});
