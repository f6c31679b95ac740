import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { int, ints } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import { readModel } from '../../onnx/file/read.ts';
import type { Model, Shape } from '../../onnx/graph.ts';
import { broadcast } from '../../onnx/shapes/dimensions.ts';
import { inferShapes } from '../../onnx/shapes.ts';
import { int64Tensor } from '../../onnx/tensor.ts';
import { describeWith, sharedData } from '../support/requirements.ts';
import { oneNode } from './support/one-node.ts';
import { resnet } from './support/resnet.ts';
import { randomInput, runModel } from './support/run.ts';
import { i64, weight } from './support/tensors.ts';
import { variety } from './support/variety.ts';

/** The model without a word about shapes except of its inputs. */
const bare = (model: Model): Model => ({
  ...model,
  graph: {
    ...model.graph,
    valueInfo: new Map(),
    outputs: model.graph.outputs.map((output) => ({ ...output, shape: null })),
  },
});

describeWith({ needs: ['data'] }, 'shapes of real models', () => {
  it.each([
    ['resnet-cifar10/resnet20-cifar10.onnx', 3],
    ['resnet-cifar10/resnet56-cifar10.onnx', 1],
    ['squeezenet/squeezenet_v1.0_deepcompression_fp32.onnx', 2],
    ['yolox_nano.onnx', 1],
  ])('of every value of %s are those that ONNX Runtime computes', async (file, batch) => {
    const model = bare(await readModel(join(sharedData() ?? '', 'models', file)));
    const { graph } = model;
    const inputs = Object.fromEntries(
      graph.inputs.map(({ name, shape }): [string, Shape] => [name, [batch, ...(shape ?? []).slice(1)]]),
    );
    const types = inferShapes(model, { inputs });
    const outputs = graph.nodes.flatMap((node) =>
      node.outputs.map((name) => ({ name, dtype: types.get(name)?.dtype ?? ('float32' as const), shape: null })),
    );
    const feeds = Object.fromEntries(Object.entries(inputs).map(([name, shape]) => [name, randomInput(shape)]));
    const results = await runModel({ ...model, graph: { ...graph, outputs } }, feeds);
    expect(Object.keys(results)).toHaveLength(outputs.length);
    for (const [name, { dims }] of Object.entries(results)) expect(types.get(name)?.shape, name).toEqual([...dims]);
  });
});

describe('symbolic shapes', () => {
  it('carry the batch through a whole network', () => {
    const types = inferShapes(bare(resnet(3)));
    expect(types.get('scores')).toEqual({ dtype: 'float32', shape: ['N', 10] });
  });

  it('resolve the Shape, Gather, Concat, Reshape chain of an exporter', () => {
    const types = inferShapes(bare(variety()));
    expect(types.get('Concat_out')?.shape).toEqual([3]);
    expect(types.get('Reshape_out')?.shape).toEqual(['N', 2, 2]); // behind an If, whose branches say what it gives
    const builder = new GraphBuilder();
    const x = builder.input('x', 'float32', ['N', 64, 7, 7]);
    const [dims] = builder.node('Shape', [x]);
    const [batch] = builder.node('Gather', [dims, builder.constant('zero', int64Tensor([], [0]))], { axis: int(0) });
    const [row] = builder.node('Unsqueeze', [batch, builder.constant('axes', i64(0))]);
    const [target] = builder.node('Concat', [row, builder.constant('rest', i64(-1))], { axis: int(0) });
    builder.node('Reshape', [x, target], {}, { outputs: ['flat'] });
    builder.output('flat', 'float32', null);
    const model = builder.build({ opset: 13, irVersion: 8 });
    expect(inferShapes(model).get('flat')?.shape).toEqual(['N', 3136]);
    expect(inferShapes(model, { inputs: { x: ['M', 2, 3, 3] } }).get('flat')?.shape).toEqual(['M', 18]);
  });

  it('keep a symbol where a window keeps the size, and forget it elsewhere', () => {
    const same = { pads: ints([1, 1, 1, 1]) };
    const through = (attributes: typeof same & { strides?: ReturnType<typeof ints> }) =>
      inferShapes(oneNode({ op: 'Conv', inputs: [['N', 4, 'H', 'W'], weight(8, 4, 3, 3)], attributes })).get('y0')
        ?.shape;
    expect(through(same)).toEqual(['N', 8, 'H', 'W']);
    expect(through({ ...same, strides: ints([2, 2]) })).toEqual(['N', 8, null, null]);
  });

  it('say nothing about what is behind an unknown operator', () => {
    const model = bare(
      oneNode({
        op: 'NonMaxSuppression',
        inputs: [
          [1, 2, 4],
          [1, 1, 2],
        ],
      }),
    );
    expect(inferShapes({ ...model, graph: { ...model.graph, outputs: [] } }).has('y0')).toBe(false);
  });
});

describe('contradictions', () => {
  it.each([
    ['channels', { op: 'Conv', inputs: [[1, 3, 8, 8], weight(4, 5, 3, 3)] }, /3 channels/],
    ['a window larger than the image', { op: 'Conv', inputs: [[1, 3, 2, 2], weight(4, 3, 3, 3)] }, /does not fit/],
    ['inner sizes of a product', { op: 'MatMul', inputs: [[2, 3], weight(4, 5)] }, /3 columns.*4 rows/],
    ['operands', { op: 'Add', inputs: [[2, 3], weight(4)] }, /does not broadcast/],
    ['elements of a reshape', { op: 'Reshape', inputs: [[2, 3], i64(4, -1)] }, /does not divide/],
    ['an axis', { op: 'Softmax', inputs: [[2, 3]], attributes: { axis: int(5) } }, /no axis 5/],
    [
      'parts of a concatenation',
      {
        op: 'Concat',
        inputs: [
          [2, 3],
          [4, 5],
        ],
        attributes: { axis: int(0) },
      },
      /3 is not 5/,
    ],
    [
      'per-channel scales',
      { op: 'QuantizeLinear', inputs: [[1, 3, 4, 4], weight(5)], attributes: { axis: int(1) } },
      /5 scales/,
    ],
  ] as const)('of %s are named with the node', (_, each, message) => {
    const model = oneNode(each);
    expect(() => inferShapes({ ...model, graph: { ...model.graph, outputs: [] } })).toThrow(
      expect.objectContaining({ code: 'SHAPE_INFERENCE', message: expect.stringMatching(message) }),
    );
  });

  it('with what the file declares', () => {
    const model = resnet(1);
    const wrong = {
      ...model,
      graph: { ...model.graph, outputs: [{ name: 'scores', dtype: 'float32', shape: ['N', 11] }] },
    } as Model;
    const told: string[] = [];
    const types = inferShapes(wrong, { onContradiction: (text) => told.push(text) });
    expect(told).toEqual([expect.stringMatching(/the file declares \[N, 11\]/)]);
    expect(types.get('scores')?.shape).toEqual(['N', 10]); // as ONNX Runtime: what is computed wins
    expect(inferShapes(wrong).get('scores')?.shape).toEqual(['N', 10]);
    const other = { ...wrong, graph: { ...wrong.graph, outputs: [{ name: 'scores', dtype: 'int64', shape: null }] } };
    expect(() => inferShapes(other as Model)).toThrow(expect.objectContaining({ code: 'SHAPE_INFERENCE' }));
  });
});

it('broadcasting does not depend on the order of the operands', () => {
  const shape = fc.array(fc.constantFrom<number | string | null>(1, 1, 3, 5, 'N', null), { maxLength: 4 });
  const result = (a: Shape, b: Shape): unknown => {
    try {
      return broadcast([a, b]);
    } catch {
      return 'contradiction';
    }
  };
  fc.assert(
    fc.property(shape, shape, (a, b) => {
      expect(result(a, b)).toEqual(result(b, a));
    }),
  );
});
