import { execFileSync } from 'node:child_process';
import { link, mkdir, mkdtemp, open, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { proto } from '../../onnx/file/proto.ts';
import { decodeModel, readModel } from '../../onnx/file/read.ts';
import { writeModel } from '../../onnx/file/write.ts';
import type { Model } from '../../onnx/graph.ts';
import { asFloat32 } from '../../onnx/tensor.ts';
import { printModel } from '../support/print-model.ts';
import { resnet } from './support/resnet.ts';

let base: string;
let folder: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'wayside-external-'));
  folder = join(base, 'model');
  await mkdir(join(folder, 'sub'), { recursive: true });
  await writeFile(join(folder, 'weights.bin'), new Float32Array([0, 1, 2, 3, 4, 5]));
  await writeFile(join(folder, 'sub', 'weights.bin'), new Float32Array([7, 8, 9, 10]));
  await writeFile(join(base, 'secret.bin'), new Float32Array([42, 42, 42, 42]));
});
afterEach(() => rm(base, { recursive: true, force: true }));

/** A model with one initializer `w`, float32[4], whose data is said to be elsewhere. */
function modelWith(external: Readonly<Record<string, string>>, dims: readonly number[] = [4]): Uint8Array {
  const type = { tensorType: { elemType: 1, shape: { dim: dims.map((dimValue) => ({ dimValue })) } } };
  return proto.ModelProto.encode({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 13 }],
    graph: {
      name: 'g',
      node: [{ opType: 'Identity', name: 'n', input: ['w'], output: ['y'] }],
      initializer: [
        {
          name: 'w',
          dims: [...dims],
          dataType: 1,
          dataLocation: proto.TensorProto.DataLocation.EXTERNAL,
          externalData: Object.entries(external).map(([key, value]) => ({ key, value })),
        },
      ],
      output: [{ name: 'y', type }],
    },
  }).finish();
}

const weights = (model: Model): number[] => [...asFloat32(model.graph.initializers.get('w')!)];

describe('external data inside the folder', () => {
  it('is read at its offset', () => {
    const model = decodeModel(modelWith({ location: 'weights.bin', offset: '8', length: '16' }), { folder });
    expect(weights(model)).toEqual([2, 3, 4, 5]);
  });

  it('is read at an offset beyond 2^32', async () => {
    const sparse = await open(join(folder, 'weights.bin'), 'w');
    await sparse.write(new Float32Array([5, 6, 7, 8]), 0, 16, 5e9);
    await sparse.close();
    const model = decodeModel(modelWith({ location: 'weights.bin', offset: '5000000000' }), { folder });
    expect(weights(model)).toEqual([5, 6, 7, 8]);
  });

  it('may lie in a folder below, or behind a link that stays inside', async () => {
    await symlink('sub/weights.bin', join(folder, 'link.bin'));
    for (const location of ['sub/weights.bin', './sub/weights.bin', 'link.bin']) {
      expect(weights(decodeModel(modelWith({ location }), { folder }))).toEqual([7, 8, 9, 10]);
    }
  });

  it('may lie in a folder that is itself a link', async () => {
    await symlink(folder, join(base, 'alias'));
    const model = decodeModel(modelWith({ location: 'sub/weights.bin' }), { folder: join(base, 'alias') });
    expect(weights(model)).toEqual([7, 8, 9, 10]);
  });
});

describe('external data outside the folder, or not what it says', () => {
  beforeEach(async () => {
    await symlink(join(base, 'secret.bin'), join(folder, 'escape.bin'));
    await symlink(base, join(folder, 'up'));
    await symlink('loop.bin', join(folder, 'loop.bin'));
    execFileSync('mkfifo', [join(folder, 'pipe')]);
  });

  it.each<[string, Record<string, string>]>([
    ['a path upward', { location: '../secret.bin' }],
    ['a path upward from below', { location: 'sub/../../secret.bin' }],
    ['a path upward, as Windows writes it', { location: '..\\secret.bin' }],
    ['an absolute path', { location: '/etc/hostname' }],
    ['an absolute path, as Windows writes it', { location: 'C:\\secret.bin' }],
    ['a link to a file outside', { location: 'escape.bin' }],
    ['a link to a folder outside', { location: 'up/secret.bin' }],
    ['a link to itself', { location: 'loop.bin' }],
    ['a NUL byte', { location: 'weights.bin\0.txt' }],
    ['a folder', { location: 'sub' }],
    ['the folder itself', { location: '.' }],
    ['a pipe', { location: 'pipe' }],
    ['a file that is not there', { location: 'none.bin' }],
    ['no name', {}],
    ['an empty name', { location: '' }],
    ['an offset beyond the end', { location: 'weights.bin', offset: '16' }],
    ['an offset beyond everything', { location: 'weights.bin', offset: '999999999999999' }],
    ['a negative offset', { location: 'weights.bin', offset: '-8' }],
    ['an offset that is no number', { location: 'weights.bin', offset: '0x10' }],
    ['another length than its shape', { location: 'weights.bin', length: '12' }],
  ])('is refused: %s', (_, external) => {
    expect(() => decodeModel(modelWith(external), { folder })).toThrow(
      expect.objectContaining({ code: 'EXTERNAL_DATA' }),
    );
  });

  it('is refused when the model came without a folder', () => {
    expect(() => decodeModel(modelWith({ location: 'weights.bin' }))).toThrow(
      expect.objectContaining({ code: 'EXTERNAL_DATA', message: expect.stringContaining('without its folder') }),
    );
  });

  it('is refused before anything of its size is allocated', () => {
    const huge = modelWith({ location: 'weights.bin' }, [2 ** 20, 2 ** 20]);
    expect(() => decodeModel(huge, { folder })).toThrow(expect.objectContaining({ code: 'MODEL_TOO_LARGE' }));
  });

  it('does not reveal what lies outside in the message', () => {
    const caught = (): string => {
      try {
        decodeModel(modelWith({ location: 'escape.bin' }), { folder });
        return '';
      } catch (thrown) {
        return String(thrown);
      }
    };
    expect(caught()).not.toContain('secret');
  });

  it('cannot be told from a file of the folder when it is a hard link: only the model’s owner can make one', async () => {
    await link(join(base, 'secret.bin'), join(folder, 'hard.bin'));
    expect(weights(decodeModel(modelWith({ location: 'hard.bin' }), { folder }))).toEqual([42, 42, 42, 42]);
  });
});

describe('writing external data', () => {
  it('and reading it again gives the same model', async () => {
    const model = resnet(1);
    const path = join(folder, 'net.onnx');
    await writeModel(model, path, { externalData: { minBytes: 1024 } });
    expect(printModel(await readModel(path))).toBe(printModel(model));
    expect((await stat(path)).size).toBeLessThan((await stat(`${path}.data`)).size / 10);
  });

  it('keeps small tensors inside', async () => {
    const model = resnet(1);
    const path = join(folder, 'net.onnx');
    await writeModel(model, path, { externalData: { minBytes: 1e9 } });
    await expect(stat(`${path}.data`)).rejects.toThrow('ENOENT');
    expect(printModel(await readModel(path))).toBe(printModel(model));
  });
});
