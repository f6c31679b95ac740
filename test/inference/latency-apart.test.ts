import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { latencyApart } from '../../inference/latency-apart.ts';
import { encodeModel, writeModel } from '../../onnx/file/write.ts';
import { ownSystemTemporary, temporaryFolder } from '../support/folder.ts';
import { colourClassifier } from '../support/tiny-classifier.ts';

const SIZE = { size: [32, 32] as [number, number] };

describe('latency in a process of its own', () => {
  const folder = temporaryFolder();
  const left = ownSystemTemporary();

  it('is measured of a file and of bytes, and leaves nothing behind', async () => {
    const path = join(folder(), 'colours.onnx');
    await writeModel(colourClassifier(), path);
    for (const model of [path, encodeModel(colourClassifier())]) {
      expect(await latencyApart(model, SIZE, { budgetMs: 100 })).toBeGreaterThan(0);
    }
    expect(await left()).toEqual([]);
  });

  it('says why a model could not be run', async () => {
    await expect(latencyApart(new Uint8Array([1, 2, 3]), SIZE)).rejects.toMatchObject({
      code: 'SESSION_LOAD',
      message: expect.stringContaining('a fresh process could not run it: '),
    });
  });

  it('ends with the abort', async () => {
    const controller = new AbortController();
    const asked = latencyApart(encodeModel(colourClassifier()), SIZE, { signal: controller.signal });
    controller.abort();
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
  });
});
