import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { activationsOf, calibrate } from '../../calibration/calibrate.ts';
import { observe } from '../../calibration/observe.ts';
import { observedRanges, tableRanges } from '../../calibration/range-source.ts';
import { RANGE_METHOD_NAMES } from '../../calibration/ranges/methods.ts';
import { type CalibrationTable, readTable, requireTableFor, writeTable } from '../../calibration/table.ts';
import { digestOf } from '../../core/hash.ts';
import { decodeModel } from '../../onnx/file/read.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import { COLOUR_PREPROCESSING, colourClassifier, colourImage } from '../support/colour-classifier.ts';
import { madeDataset } from '../support/memory-dataset.ts';

const dataset = madeDataset(30, (index) => ({
  label: 0,
  image: colourImage((index % 3) as 0 | 1 | 2, { seed: index }),
}));
const preprocessing = { ...COLOUR_PREPROCESSING, size: [8, 8] as [number, number] };
const model = colourClassifier();

describe('calibrate', () => {
  it('covers every float value that depends on the image', async () => {
    expect(activationsOf(model)).toEqual(['image', 'contrast', 'kept', 'mean', 'flat', 'scores']);
    const table = await calibrate(model, dataset, { preprocessing });
    expect(Object.keys(table.values)).toEqual(activationsOf(model));
    expect(table.data).toMatchObject({ name: 'made', samples: 30, digest: await dataset.digest() });
    expect(table).toMatchObject({ equalized: false, values: { kept: { ranges: { mse: { min: 0 } } } } });
    expect(table.values['contrast']?.meanSquares).toHaveLength(3);
  });

  it('gives the same table for the same seed, another for another', async () => {
    const made = (seed: number) => calibrate(model, dataset, { preprocessing, samples: 5, seed });
    expect(await made(1)).toEqual(await made(1));
    expect((await made(1)).values).not.toEqual((await made(2)).values);
  });

  it('gives what observing gives, by every method, also after a detour through JSON', async () => {
    const table = JSON.parse(JSON.stringify(await calibrate(model, dataset, { preprocessing }))) as CalibrationTable;
    const values = activationsOf(model);
    const observed = observedRanges(await observe(model, dataset, { preprocessing, values }));
    const kept = tableRanges(table);
    expect(kept.values).toEqual(observed.values);
    for (const value of values) {
      for (const method of RANGE_METHOD_NAMES) {
        expect(kept.range(value, method)).toEqual(observed.range(value, method));
        expect(kept.noise(value, method)).toBe(observed.noise(value, method));
      }
    }
    expect(() => kept.range('nothing', 'mse')).toThrow(expect.objectContaining({ code: 'CALIBRATION_INVALID' }));
  });

  it('refuses to calibrate on nothing', async () => {
    const none = madeDataset(0, () => ({ label: 0, image: colourImage(0) }));
    await expect(calibrate(model, none, { preprocessing })).rejects.toMatchObject({ code: 'DATASET_INVALID' });
    await expect(calibrate(model, dataset, { preprocessing, samples: 0 })).rejects.toMatchObject({
      code: 'DATASET_INVALID',
    });
  });
});

describe('calibration tables', () => {
  let path: string;
  beforeEach(async () => {
    path = join(await mkdtemp(join(tmpdir(), 'wayside-table-')), 'table.json');
  });
  afterEach(() => rm(join(path, '..'), { recursive: true }));

  it('come back from their file as they were', async () => {
    const table = await calibrate(model, dataset, { preprocessing });
    await writeTable(table, path);
    expect(await readTable(path)).toEqual(table);
  });

  it('fit the model they were made from, also when it was written and read again', async () => {
    const table = await calibrate(model, dataset, { preprocessing });
    const demands = { values: activationsOf(model), data: await dataset.digest() };
    expect(() => requireTableFor(table, decodeModel(encodeModel(model)), demands)).not.toThrow();
  });

  it('are refused for another model, saying which tensor is the first that is missing', async () => {
    const table = await calibrate(model, dataset, { preprocessing, values: ['image', 'contrast'] });
    expect(() => requireTableFor(table, model, { values: ['image', 'contrast', 'kept', 'flat'] })).toThrow(
      expect.objectContaining({
        code: 'CALIBRATION_MISMATCH',
        message: 'calibration table covers 2 of 4 tensors; first missing: kept',
      }),
    );
  });

  it('are refused for the same graph with other weights, and for other data, with both digests', async () => {
    const table = await calibrate(model, dataset, { preprocessing });
    const other = colourClassifier({ gain: 11 });
    expect(() => requireTableFor(table, other)).toThrow(expect.objectContaining({ code: 'CALIBRATION_MISMATCH' }));
    expect(() => requireTableFor(table, other)).toThrow(table.model);
    const data = digestOf('other images');
    expect(() => requireTableFor(table, model, { data })).toThrow(data);
  });

  it('are refused when damaged', async () => {
    const table = await calibrate(model, dataset, { preprocessing });
    const invalid = { code: 'CALIBRATION_INVALID' };
    await writeTable(table, path);
    const text = await readFile(path, 'utf8');
    await truncate(path, text.length - 20);
    await expect(readTable(path)).rejects.toMatchObject(invalid);
    await writeFile(path, text.replace('"format": 1', '"format": 2'));
    await expect(readTable(path)).rejects.toMatchObject({ ...invalid, message: expect.stringContaining('got 2') });
    await writeFile(path, text.replace(/"max": [^,]+/, '"max": null'));
    await expect(readTable(path)).rejects.toMatchObject({ ...invalid, message: expect.stringContaining('max') });
    await writeFile(path, text.replace(/"max": [^,]+/, '"max": -1'));
    await expect(readTable(path)).rejects.toMatchObject(invalid);
    await expect(readTable(`${path}.none`)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });
});
