import { mkdtemp, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { modelBytes } from '../../inference/external-data.ts';
import { writeModel } from '../../onnx/file/write.ts';
import { colourClassifier } from '../support/colour-classifier.ts';

describe('modelBytes', () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wayside-bytes-'));
    path = join(folder, 'model.onnx');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('counts the model alone where everything is inside', async () => {
    await writeModel(colourClassifier(), path);
    expect(await modelBytes(path)).toBe((await stat(path)).size);
  });

  it('counts a data file once, however many tensors lie in it', async () => {
    await writeModel(colourClassifier(), path, { externalData: { minBytes: 1 } });
    const data = (await stat(`${path}.data`)).size;
    expect(await modelBytes(path)).toBe((await stat(path)).size + data);
  });

  it('refuses a model whose data is gone, and one that is cut short', async () => {
    await writeModel(colourClassifier(), path, { externalData: { minBytes: 1 } });
    await rm(`${path}.data`);
    await expect(modelBytes(path)).rejects.toMatchObject({ code: 'EXTERNAL_DATA' });
    await truncate(path, 30);
    await expect(modelBytes(path)).rejects.toMatchObject({ code: 'MODEL_DECODE' });
    await writeFile(path, new Uint8Array(40).fill(0xff));
    await expect(modelBytes(path)).rejects.toMatchObject({ code: 'MODEL_DECODE' });
  });
});
