import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { onnx } from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import { newerThanKnown, requireKnownVersions } from '../../onnx/check.ts';
import { proto } from '../../onnx/file/proto.ts';
import { decodeModel, readModel } from '../../onnx/file/read.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import { printModel } from '../support/print-model.ts';
import { describeWith, sharedData } from '../support/requirements.ts';
import { resnet } from './support/resnet.ts';
import { randomInput, runBytes } from './support/run.ts';
import { variety } from './support/variety.ts';

const FLOAT4 = { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 4 }] } } };

/** Bytes of a model around a graph: `y = Identity(x)` where nothing else is said. */
function bytesOf(graph: onnx.IGraphProto, model: onnx.IModelProto = {}): Uint8Array {
  return proto.ModelProto.encode({
    irVersion: 8,
    opsetImport: [{ version: 13 }],
    ...model,
    graph: {
      node: [{ opType: 'Identity', input: ['x'], output: ['y'] }],
      input: [{ name: 'x', type: FLOAT4 }],
      output: [{ name: 'y', type: FLOAT4 }],
      ...graph,
    },
  }).finish();
}

const refused = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

describeWith({ needs: ['data'] }, 'real models', () => {
  it.each([
    'yolox_nano.onnx',
    'resnet-cifar10/resnet20-cifar10.onnx',
    'resnet-cifar10/resnet56-cifar10.onnx',
    'squeezenet/squeezenet_v1.0_deepcompression_fp32.onnx',
  ])('%s computes the same, bit for bit, after reading and writing', async (file) => {
    const path = join(sharedData() ?? '', 'models', file);
    const model = await readModel(path);
    const bytes = encodeModel(model);
    expect(printModel(decodeModel(bytes))).toBe(printModel(model));
    expect(Buffer.compare(encodeModel(decodeModel(bytes)), bytes)).toBe(0);
    const feeds = Object.fromEntries(
      model.graph.inputs.map(({ name, shape }) => [name, randomInput(shape ?? [], 1, 1)]),
    );
    const [before, after] = [await runBytes(await readFile(path), feeds), await runBytes(bytes, feeds)];
    expect(Object.keys(after)).toEqual(Object.keys(before));
    for (const [name, { data }] of Object.entries(before)) {
      expect(Buffer.compare(new Uint8Array(data.buffer), new Uint8Array(after[name]!.data.buffer))).toBe(0);
    }
  });
});

describe('a model', () => {
  it('survives with every kind of field', () => {
    expect(decodeModel(encodeModel(variety()))).toEqual(variety());
  });

  it('shares its weights with the bytes it was read from', () => {
    const bytes = encodeModel(resnet(1));
    for (const tensor of decodeModel(bytes).graph.initializers.values()) expect(tensor.bytes.buffer).toBe(bytes.buffer);
  });

  it('names its nodes where the file does not, and tells apart those named alike', () => {
    const { graph } = decodeModel(
      bytesOf({
        node: [
          { opType: 'Relu', input: ['x'], output: ['a'] },
          { opType: 'Relu', name: 'Relu', input: ['a'], output: ['b'] },
          { opType: 'Relu', name: 'Relu', input: ['b'], output: ['y'] },
        ],
      }),
    );
    expect(new Set(graph.nodes.map(({ name }) => name)).size).toBe(3);
    expect(graph.nodes[1]?.name).toBe('Relu');
  });

  it('has its nodes in topological order, whatever the order in the file', () => {
    const { graph } = decodeModel(
      bytesOf({
        node: [
          { opType: 'Relu', input: ['b'], output: ['y'] },
          { opType: 'Tanh', input: ['a'], output: ['b'] },
          { opType: 'Neg', input: ['x'], output: ['a'] },
        ],
      }),
    );
    expect(graph.nodes.map(({ opType }) => opType)).toEqual(['Neg', 'Tanh', 'Relu']);
  });

  it('of IR 3 repeats its initializers among the inputs in the file only', () => {
    const initializer = [{ name: 'w', dims: [4], dataType: 1, rawData: new Uint8Array(16) }];
    const node = [{ opType: 'Add', input: ['x', 'w'], output: ['y'] }];
    const input = ['x', 'w'].map((name) => ({ name, type: FLOAT4 }));
    const model = decodeModel(bytesOf({ node, input, initializer }, { irVersion: 3 }));
    expect(model.graph.inputs.map(({ name }) => name)).toEqual(['x']);
    const written = proto.ModelProto.decode(encodeModel(model));
    expect(written.graph?.input?.map(({ name }) => name)).toEqual(['x', 'w']);
  });

  it('keeps "to the end" of a slice through reading and writing', () => {
    const node = [
      {
        opType: 'Slice',
        input: ['x'],
        output: ['y'],
        attribute: [
          { name: 'ends', type: 7, ints: [2] },
          { name: 'starts', type: 7, ints: [0] },
        ],
      },
    ];
    const bytes = bytesOf({ node }, { opsetImport: [{ version: 9 }] });
    const model = decodeModel(bytes);
    const [slice] = model.graph.nodes;
    const endless = {
      ...slice!,
      attributes: { ...slice!.attributes, ends: { type: 'ints' as const, value: [2 ** 63] } },
    };
    const written = encodeModel({ ...model, graph: { ...model.graph, nodes: [endless] } });
    const ends = proto.ModelProto.decode(written).graph?.node?.[0]?.attribute?.find(({ name }) => name === 'ends');
    expect(String(ends?.ints?.[0])).toBe('9223372036854775807');
    expect(decodeModel(written).graph.nodes[0]).toEqual(endless);
  });

  it('is read from a file, and a missing file is said to be missing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wayside-read-'));
    await writeFile(join(folder, 'm.onnx'), encodeModel(resnet(1)));
    expect(printModel(await readModel(join(folder, 'm.onnx')))).toBe(printModel(resnet(1)));
    await expect(readModel(join(folder, 'm.onnx'), { limits: { fileBytes: 100 } })).rejects.toThrow(
      refused('MODEL_TOO_LARGE', /at most 100/),
    );
    await expect(readModel(join(folder, 'none.onnx'))).rejects.toThrow(refused('FILE_NOT_FOUND', /ENOENT/));
    await expect(readModel(folder)).rejects.toThrow(refused('FILE_NOT_FOUND', /not a file/));
    await rm(folder, { recursive: true });
  });
});

describe('typed data of tensors', () => {
  const tensorOf = (tensor: onnx.ITensorProto) =>
    decodeModel(bytesOf({ initializer: [{ name: 'w', ...tensor }] })).graph.initializers.get('w')!;

  it.each<[string, onnx.ITensorProto, number[]]>([
    ['float_data', { dataType: 1, dims: [2], floatData: [1, -2] }, [0, 0, 128, 63, 0, 0, 0, 192]],
    ['int32_data of int32', { dataType: 6, dims: [1], int32Data: [-2] }, [254, 255, 255, 255]],
    ['int32_data of int8', { dataType: 3, dims: [3], int32Data: [-1, 0, 127] }, [255, 0, 127]],
    ['int32_data of uint8', { dataType: 2, dims: [2], int32Data: [255, 1] }, [255, 1]],
    ['int32_data of float16', { dataType: 10, dims: [1], int32Data: [0x3c00] }, [0, 0x3c]],
    ['int32_data of bool', { dataType: 9, dims: [2], int32Data: [1, 0] }, [1, 0]],
    ['int32_data of int4, two to an entry', { dataType: 22, dims: [3], int32Data: [0x21, 3] }, [0x21, 3]],
    ['int64_data', { dataType: 7, dims: [1], int64Data: [-3] }, [253, 255, 255, 255, 255, 255, 255, 255]],
    ['uint64_data of uint32', { dataType: 12, dims: [1], uint64Data: [4294967295] }, [255, 255, 255, 255]],
    ['float_data of complex64', { dataType: 14, dims: [1], floatData: [1, 0] }, [0, 0, 0x80, 0x3f, 0, 0, 0, 0]],
    ['int32_data of float8', { dataType: 17, dims: [2], int32Data: [0x38, 1] }, [0x38, 1]],
    ['double_data', { dataType: 11, dims: [1], doubleData: [1] }, [0, 0, 0, 0, 0, 0, 0xf0, 0x3f]],
  ])('becomes raw bytes: %s', (_, tensor, bytes) => {
    expect([...tensorOf(tensor).bytes]).toEqual(bytes);
  });

  it.each<[string, onnx.ITensorProto, string, RegExp]>([
    [
      'fewer bytes than its shape',
      { dataType: 1, dims: [3], rawData: new Uint8Array(8) },
      'MODEL_INVALID',
      /needs 12 bytes, it has 8/,
    ],
    ['no data at all', { dataType: 1, dims: [3] }, 'MODEL_INVALID', /it has 0/],
    ['a bomb of declared dimensions', { dataType: 1, dims: [2 ** 30, 2 ** 30] }, 'MODEL_INVALID', /dimensions/],
    ['a negative dimension', { dataType: 1, dims: [-1] }, 'MODEL_INVALID', /dimensions/],
    ['values in the wrong field', { dataType: 1, dims: [1], int32Data: [1] }, 'MODEL_INVALID', /int32Data/],
    [
      'values twice',
      { dataType: 1, dims: [1], floatData: [1], rawData: new Uint8Array(4) },
      'MODEL_INVALID',
      /raw_data/,
    ],
    ['values that do not fit', { dataType: 3, dims: [1], int32Data: [300] }, 'MODEL_INVALID', /300/],
    ['too few strings', { dataType: 8, dims: [2], stringData: [new Uint8Array(1)] }, 'MODEL_INVALID', /1 strings/],
    ['strings as raw bytes', { dataType: 8, dims: [1], rawData: new Uint8Array(1) }, 'MODEL_INVALID', /string_data/],
    ['a type of the future', { dataType: 99, dims: [1] }, 'MODEL_UNSUPPORTED', /data type 99/],
    ['segments', { dataType: 1, dims: [0], segment: { begin: 0, end: 1 } }, 'MODEL_UNSUPPORTED', /segments/],
  ])('is refused: %s', (_, tensor, code, message) => {
    expect(() => tensorOf(tensor)).toThrow(refused(code, message));
  });
});

describe('what nothing here computes with', () => {
  const int64 = { tensorType: { elemType: 7 } };
  const branch = (output: string): onnx.IGraphProto => ({
    node: [{ opType: 'Identity', input: ['captured'], output: [output] }],
    output: [{ name: output }],
  });
  it.each<[string, onnx.IGraphProto]>([
    ['a sequence', { input: [{ name: 's', type: { sequenceType: { elemType: FLOAT4 } } }] }],
    ['an optional', { input: [{ name: 'o', type: { optionalType: { elemType: FLOAT4 } } }] }],
    [
      'strings',
      { initializer: [{ name: 't', dataType: 8, dims: [2], stringData: [Buffer.from('a'), Buffer.from([0xff])] }] },
    ],
    [
      'a type as an attribute',
      { node: [{ opType: 'Optional', output: ['o'], attribute: [{ name: 'type', type: 13, tp: FLOAT4 }] }] },
    ],
    [
      'a sparse constant',
      {
        node: [
          {
            opType: 'Constant',
            output: ['c'],
            attribute: [{ name: 'sparse_value', type: 11, sparseTensor: { dims: [4] } }],
          },
        ],
      },
    ],
    [
      'branches without types',
      {
        input: [
          { name: 'flag', type: { tensorType: { elemType: 9, shape: { dim: [] } } } },
          { name: 'captured', type: int64 },
        ],
        node: [
          {
            opType: 'If',
            input: ['flag'],
            output: ['chosen'],
            attribute: [
              { name: 'then_branch', type: 5, g: branch('t') },
              { name: 'else_branch', type: 5, g: branch('e') },
            ],
          },
        ],
      },
    ],
  ])('comes back from reading and writing as it was: %s', (_, graph) => {
    const input = [{ name: 'x', type: FLOAT4 }, ...(graph.input ?? [])];
    const node = [{ opType: 'Identity', input: ['x'], output: ['y'] }, ...(graph.node ?? [])];
    const first = decodeModel(bytesOf({ ...graph, input, node }));
    const again = decodeModel(encodeModel(first));
    expect(again).toEqual(first);
    expect(encodeModel(again)).toEqual(encodeModel(first));
  });

  it('is said by its version, and only who rewrites refuses', () => {
    const newer = decodeModel(bytesOf({}, { irVersion: 99, opsetImport: [{ version: 98 }] }));
    expect(newerThanKnown(newer).join()).toMatch(/IR version 99.*operator set 98/);
    expect(() => requireKnownVersions(newer)).toThrow(refused('MODEL_UNSUPPORTED', /IR version 99/));
  });
});

describe('what is not handled', () => {
  it.each<[string, Uint8Array, string, RegExp]>([
    ['functions', bytesOf({}, { functions: [{ name: 'f' }] }), 'MODEL_UNSUPPORTED', /1 functions/],
    ['sparse initializers', bytesOf({ sparseInitializer: [{ dims: [1] }] }), 'MODEL_UNSUPPORTED', /sparse/],
    ['no operator set', bytesOf({}, { opsetImport: [] }), 'MODEL_INVALID', /does not import/],
    [
      'two of them',
      bytesOf({}, { opsetImport: [{ version: 13 }, { domain: 'ai.onnx', version: 12 }] }),
      'MODEL_INVALID',
      /two versions/,
    ],
    [
      'a reading of nothing',
      bytesOf({ node: [{ opType: 'Relu', input: ['z'], output: ['y'] }] }),
      'MODEL_INVALID',
      /nothing makes/,
    ],
    ['no graph', proto.ModelProto.encode({ irVersion: 8 }).finish(), 'MODEL_DECODE', /no graph/],
    ['an empty file', new Uint8Array(), 'MODEL_DECODE', /no graph/],
    ['a text', Buffer.from('{"not": "a model"}'), 'MODEL_DECODE', /byte/],
  ])('is named: %s', (_, bytes, code, message) => {
    expect(() => decodeModel(bytes)).toThrow(refused(code, message));
  });
});
