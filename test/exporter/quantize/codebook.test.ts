import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { usedCodes } from '../../../compression/clustering/cluster.ts';
import { seededRandom } from '../../../core/random.ts';
import {
  indexBitsFor,
  indicesOf,
  packBits,
  packPlane,
  storeCodes,
  weightForm,
} from '../../../exporter/quantize/codebook.ts';
import { openSession } from '../../../inference/session.ts';
import { GraphBuilder } from '../../../onnx/build.ts';
import { encodeModel } from '../../../onnx/file/write.ts';
import type { Model } from '../../../onnx/graph.ts';
import { shortNames } from '../../../onnx/names.ts';
import { irVersionFor } from '../../../onnx/opset.ts';
import { float32Tensor } from '../../../onnx/tensor.ts';
import { indexGraph } from '../../../onnx/topology.ts';
import { storedWeights } from '../../../onnx/weights.ts';

/** The inverse of `packBits`. */
const unpackBits = (bytes: Uint8Array, width: 2 | 4, count: number): Uint8Array =>
  Uint8Array.from(
    { length: count },
    (_, i) => (bytes[Math.floor((i * width) / 8)]! >> ((i * width) % 8)) & (2 ** width - 1),
  );

test('packing is undone by unpacking', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(2 as const, 4 as const),
      fc.array(fc.nat({ max: 255 }), { maxLength: 40 }),
      (width, raw) => {
        const values = Uint8Array.from(raw, (value) => value % 2 ** width);
        expect([...unpackBits(packBits(values, width), width, values.length)]).toEqual([...values]);
      },
    ),
  );
});

test('a plane keeps part p in bits p * width of every byte', () => {
  expect([...packPlane(Uint8Array.of(1, 2, 3, 4), 4)]).toEqual([1 + 3 * 16, 2 + 4 * 16]);
});

test('indices lead back to the codes', () => {
  const codes = Int8Array.of(-7, 0, 9, 9, 2, 2);
  const books = [Int8Array.of(-7, 0, 9), Int8Array.of(2, 9)];
  const indices = indicesOf(codes, books);
  expect([...indices].map((index, i) => books[Math.floor(i / 3)]![index])).toEqual([...codes]);
});

/** A model that hands out stored weights as the runtime sees them after unpacking. */
function unpacking(codes: Int8Array, dims: readonly number[], books: readonly Int8Array[], clusters: number) {
  const builder = new GraphBuilder('codes', { naming: shortNames({ values: ['w'], nodes: [] }) });
  const stored = { dims, codes, codebooks: books, indexBits: indexBitsFor(clusters) };
  const name = storeCodes(builder, stored);
  builder.op('Identity', [name], {}, { outputs: ['w'] });
  const form = weightForm(stored);
  const opset = { int8: 13, planes: 18, uint4: 21, uint2: 25 }[form];
  const model: Model = {
    irVersion: irVersionFor(opset),
    opsets: new Map([['', opset]]),
    producerName: '',
    producerVersion: '',
    metadata: new Map(),
    graph: {
      name: 'w',
      inputs: [],
      outputs: [{ name: 'w', dtype: 'int8', shape: dims }],
      initializers: builder.initializers,
      nodes: builder.nodes,
      valueInfo: new Map(),
    },
  };
  return { form, bytes: encodeModel(model) };
}

describe('codebooks as ONNX Runtime unpacks them', () => {
  const random = seededRandom(5);
  test.each([
    [2, 'planes', 1],
    [4, 'uint2', 2],
    [8, 'planes', 3],
    [16, 'uint4', 4],
    [32, 'planes', 5],
    [64, 'planes', 6],
    [128, 'planes', 7],
    [200, 'int8', 8],
  ])('%i clusters, stored as %s in %i bits', async (clusters, form, bits) => {
    const dims = [16, 32, 3, 3];
    const book = Int8Array.from({ length: clusters }, (_, i) => i - Math.floor(clusters / 2));
    const codes = Int8Array.from({ length: 4608 }, (_, i) => book[i < clusters ? i : random.below(clusters)]!);
    const stored = unpacking(codes, dims, [book], clusters);
    expect(stored.form).toBe(form);
    expect(stored.bytes.length).toBeLessThan((4608 * bits) / 8 + 900);
    const session = await openSession(stored.bytes);
    const { w } = await session.run({});
    await session.close();
    expect(w!.dims).toEqual(dims);
    expect(Buffer.compare(Buffer.from(w!.data as Int8Array), Buffer.from(codes))).toBe(0);
  });

  test('a codebook for each channel group', async () => {
    const books = [Int8Array.of(-4, 1, 6), Int8Array.of(-50, -2, 0, 33)];
    const codes = Int8Array.from({ length: 512 }, (_, i) => {
      const book = books[Math.floor(i / 256)]!;
      return book[random.below(book.length)]!;
    });
    const stored = unpacking(codes, [4, 128], books, 16);
    expect(stored.form).toBe('uint4');
    const session = await openSession(stored.bytes);
    const { w } = await session.run({});
    await session.close();
    expect([...(w!.data as Int8Array)]).toEqual([...codes]);
  });

  test('a layer too small to gain by a codebook keeps its codes', () => {
    const stored = { dims: [4, 4], codes: new Int8Array(16), codebooks: [Int8Array.of(0)], indexBits: 6 };
    expect(weightForm(stored)).toBe('int8');
  });
});

test.each([8, 16, 64, 128])('the inspector counts the codes behind %i clusters', (clusters) => {
  const builder = new GraphBuilder('codes', { naming: shortNames({ values: ['x', 'y'], nodes: [] }) });
  const codes = Int8Array.from({ length: 8192 }, (_, i) => (i % clusters) - 60);
  const stored = { dims: [64, 128], codes, codebooks: [usedCodes(codes)], indexBits: indexBitsFor(clusters) };
  const scale = builder.shared(float32Tensor([], Float32Array.of(0.1)));
  const weight = builder.op('DequantizeLinear', [storeCodes(builder, stored), scale]);
  builder.op('MatMul', ['x', weight], {}, { outputs: ['y'] });
  const { nodes, initializers } = builder;
  const graph = { name: '', inputs: [], outputs: [], initializers, nodes, valueInfo: new Map() };
  const [found] = storedWeights(graph, indexGraph(graph));
  expect(found).toMatchObject({ elements: 8192, unique: clusters, form: 'codebook' });
});
