import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inMemory, type RandomAccess, withFile } from '../../core/file-system.ts';
import { modelFileFault } from '../../inference/model-file/check.ts';
import { openSession } from '../../inference/session.ts';
import { encodeModel, writeModel } from '../../onnx/file/write.ts';
import { temporaryFolder } from '../support/folder.ts';
import { type CodebookLayer, codebookModel, unfoldingModel, zerosModel } from '../support/hostile-models.ts';
import { colourClassifier } from '../support/tiny-classifier.ts';

const alone = new Map<string, number>();
const fault = (model: Uint8Array, files: ReadonlyMap<string, number> = alone) => modelFileFault(model, files);
const loads = (model: Uint8Array | string): Promise<boolean> =>
  openSession(model).then(
    (session) => session.close().then(() => true),
    () => false,
  );

const FORMS: readonly (readonly [string, CodebookLayer])[] = [
  ['1 bit, planes', { clusters: 2 }],
  ['2 bits', { clusters: 4 }],
  ['3 bits, planes of 2 and 1', { clusters: 7 }],
  ['4 bits', { clusters: 16 }],
  ['4 bits, a codebook for each group', { clusters: 12, groups: 4 }],
  ['6 bits, planes of 4 and 2', { clusters: 48 }],
];

describe('codebook indices', () => {
  it.each(FORMS)('%s: within the codebook they pass, beyond it they do not', async (_, layer) => {
    const [good, bad] = [false, true].map((tooShort) => codebookModel(layer, { tooShort }));
    if (good === undefined || bad === undefined) throw new Error('no models');
    expect(fault(good)).toBeUndefined();
    expect(await loads(good)).toBe(true);
    expect(fault(bad)).toMatch(new RegExp(`reads entry ${layer.clusters - 1} of ${layer.clusters - 1} in`));
  });
});

describe('a large file', () => {
  const folder = temporaryFolder();

  /** What is read of it: all together, and at once. */
  const watched = (model: RandomAccess) => {
    const read = { bytes: 0, most: 0 };
    const source: RandomAccess = {
      length: model.length,
      read: (from, to) => {
        const bytes = model.read(from, to);
        read.bytes += bytes.length;
        read.most = Math.max(read.most, bytes.length);
        return bytes;
      },
    };
    return { source, read };
  };

  it('is looked into on the disk, and its weights are not read', async () => {
    const weights = 300_000_000;
    const [raw, shape] = [varint(weights), Buffer.concat([field(1, varint(weights)), Buffer.of(0x10, 3)])];
    const inTensor = Buffer.concat([shape, Buffer.of(9 * 8 + 2), raw]);
    const tensor = Buffer.concat([Buffer.of(5 * 8 + 2), varint(inTensor.length + weights), inTensor]);
    const head = Buffer.concat([Buffer.of(7 * 8 + 2), varint(tensor.length + weights), tensor]);
    const path = join(folder(), 'large.onnx');
    await writeFile(path, head);
    await truncate(path, head.length + weights); // a hole: it takes no room
    withFile(path, (model) => {
      const { source, read } = watched(model);
      expect(source.length).toBeGreaterThan(weights);
      expect(modelFileFault(source, alone)).toBeUndefined();
      expect(read.bytes).toBeLessThan(100_000);
    });
    await truncate(path, head.length + weights - 1);
    withFile(path, (model) => expect(modelFileFault(model, alone)).toMatch(/runs past the end/));
  });

  it('is read a piece at a time where its indices have to be seen', () => {
    for (const tooShort of [false, true]) {
      const { source, read } = watched(inMemory(codebookModel({ clusters: 48, columns: 9600 }, { tooShort })));
      expect(source.length).toBeGreaterThan(400_000);
      expect(modelFileFault(source, alone) !== undefined).toBe(tooShort);
      expect(read.most).toBeLessThanOrEqual(64 * 1024);
    }
  });

  it('of nothing but nodes is refused before it is held', () => {
    const node = Buffer.of(1 * 8 + 2, 0);
    const graph = Buffer.alloc(2 * 600_000, node);
    expect(fault(field(7, graph))).toContain('more than 500000 nodes');
    expect(fault(field(7, field(1, field(4, new Uint8Array(70_000)))))).toContain('longer than 65536');
  });
});

describe('data outside of the package', () => {
  const folder = temporaryFolder();

  it.each(['../secret.bin12', '/tmp/secret.bin', 'in/../model.bin', 'model.onnx.dat2'])('%s', async (location) => {
    const dir = join(folder(), 'model');
    await mkdir(dir, { recursive: true });
    const path = join(dir, 'model.onnx');
    await writeModel(colourClassifier(), path, { externalData: { minBytes: 1 } });
    const size = (await readFile(`${path}.data`)).length;
    const honest = await readFile(path);
    const files = new Map([['model.onnx.data', size]]);
    expect(fault(honest, files)).toBeUndefined();
    expect(fault(honest, new Map([['model.onnx.data', size - 1]]))).toMatch(/beyond the end/);
    const forged = Buffer.from(honest.toString('latin1').replaceAll('model.onnx.data', location), 'latin1');
    expect(forged.length).toBe(honest.length);
    expect(fault(forged, files)).toContain(`lies in "${location}", which is no file of the package`);
  });
});

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    bytes.push(left > 127 ? (left % 128) + 128 : left);
    if (left <= 127) return Buffer.from(bytes);
  }
}

/** A field of a protobuf message that holds bytes. */
const field = (number: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.of(number * 8 + 2), varint(bytes.length), bytes]);

describe('a shape that nothing fills', () => {
  it('is refused, however small the file', async () => {
    expect(fault(zerosModel([1024]))).toBeUndefined();
    expect(await loads(zerosModel([1024]))).toBe(true);
    expect(fault(zerosModel([2 ** 14, 2 ** 14]))).toContain('out of nothing');
    expect(fault(zerosModel([2 ** 62]))).toContain('out of nothing');
  });

  it('is found however deep: in a branch of a branch, until nobody nests so deep', () => {
    const tensor = field(5, field(5, Buffer.from([0x08, 0xff, 0xff, 0xff, 0x7f, 0x10, 0x01])));
    const nested = (depth: number): Buffer => {
      let graph = field(1, tensor);
      for (let i = 0; i < depth; i++) graph = field(1, field(5, field(6, graph)));
      return field(7, graph);
    };
    expect(fault(nested(0))).toContain('of its shape');
    expect(fault(nested(8))).toContain('of its shape');
    expect(fault(nested(10_000))).toContain('nested more than');
  });
});

describe('any file', () => {
  it('gets an answer in time that its size bounds', () => {
    const model = encodeModel(colourClassifier());
    fc.assert(
      fc.property(fc.nat(model.length - 1), fc.nat(255), (at, value) => {
        const bytes = Uint8Array.from(model);
        bytes[at] = value;
        fault(bytes);
      }),
    );
  });

  it('with a shape of a million dimensions is refused, not followed', () => {
    const dims = field(1, new Uint8Array(1_000_000).fill(2));
    const tensor = field(5, Buffer.concat([dims, Buffer.of(0x10, 1)]));
    expect(fault(field(7, tensor))).toContain('impossible shape');
  });

  it('that unfolds its indices to far more than itself is refused before they are', () => {
    expect(fault(unfoldingModel(3))).toContain('unfold to far more than the file');
    expect(fault(unfoldingModel(1))).toBeUndefined();
  });
});
