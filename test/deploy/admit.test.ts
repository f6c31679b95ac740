import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { admitPackage } from '../../deploy/admit.ts';
import type { ModelPackage } from '../../inference/read-package.ts';
import { writeColourPackage } from '../support/colour-package.ts';

describe('admitPackage', () => {
  let folder: string;
  let written: ModelPackage;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wayside-admit-'));
    written = await writeColourPackage(join(folder, 'package'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('admits what is whole, under the identity that messages carry', async () => {
    const { identity, manifest } = await admitPackage(written.dir);
    expect(identity).toEqual({ name: 'colours', version: '1', digest: written.digest });
    expect(manifest.labels).toEqual(['red', 'green', 'blue']);
  });

  it.each([
    ['a byte more in the model', (dir: string) => appendFile(join(dir, 'model.onnx'), 'x'), 'model.onnx'],
    ['a file that the manifest does not name', (dir: string) => writeFile(join(dir, 'more.bin'), ''), 'more.bin'],
    ['a golden sample that is gone', (dir: string) => rm(join(dir, 'golden', '00.f32')), 'golden/00.f32'],
  ])('refuses %s', async (_what, harm, named) => {
    await harm(written.dir);
    await expect(admitPackage(written.dir)).rejects.toMatchObject({
      code: 'PACKAGE_INVALID',
      message: expect.stringContaining(named),
    });
  });

  it('says when there is none', async () => {
    await expect(admitPackage(join(folder, 'none'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });
});
