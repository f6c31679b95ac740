import { describe, expect, it, vi } from 'vitest';
import { graph, int } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import { decodeModel } from '../../onnx/file/read.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import type { Graph, Model } from '../../onnx/graph.ts';
import { inferShapes } from '../../onnx/shapes.ts';
import { float32Tensor, int64Tensor } from '../../onnx/tensor.ts';

const build = (builder: GraphBuilder, last: string): Model => {
  builder.output(last, 'float32', null);
  return builder.build({ opset: 13, irVersion: 8 });
};

// Shorter than what ends a test that hangs: here the time is what is tried.
vi.setConfig({ testTimeout: 90_000 });

/** Small files that cost the square, or two to the power, of their size if read naively: each would outlast its timeout. */
describe('models made to exhaust the reader', () => {
  it('by thirty thousand subgraphs, each in the sight of all values before it', () => {
    const empty = (name: string): Graph => ({
      name,
      inputs: [],
      outputs: [{ name: 'x', dtype: 'float32', shape: [] }],
      initializers: new Map(),
      nodes: [],
      valueInfo: new Map(),
    });
    const builder = new GraphBuilder();
    builder.input('x', 'float32', []);
    const condition = builder.input('c', 'bool', []);
    const attributes = { then_branch: graph(empty('yes')), else_branch: graph(empty('no')) };
    for (let i = 0; i < 30_000; i++) builder.node('If', [condition], attributes);
    const model = build(builder, 'If_out');
    expect(decodeModel(encodeModel(model)).graph.nodes).toHaveLength(30_000);
  });

  it('by ranks that double from node to node', () => {
    const builder = new GraphBuilder();
    let x = builder.constant('x', int64Tensor([1, 1, 1], [0]));
    for (let i = 0; i < 60; i++) [x] = builder.node('Gather', [x, x], { axis: int(0) });
    builder.output(x, 'int64', null);
    const model = builder.build({ opset: 13, irVersion: 8 });
    expect(() => inferShapes(model)).toThrow(expect.objectContaining({ code: 'SHAPE_INFERENCE' }));
  });

  it('by one small tensor joined to itself half a million times', () => {
    const builder = new GraphBuilder();
    const part = builder.constant('part', int64Tensor([256], new Array<number>(256).fill(1)));
    const [joined] = builder.node('Concat', new Array<string>(500_000).fill(part), { axis: int(0) });
    builder.output(joined, 'int64', null);
    const model = decodeModel(encodeModel(builder.build({ opset: 13, irVersion: 8 })));
    expect(inferShapes(model).get(joined)?.shape).toEqual([128_000_000]);
  });

  it('by sizes beyond what a number counts exactly', () => {
    const builder = new GraphBuilder();
    let x = builder.constant('x', float32Tensor([1, 1], new Float32Array(1)));
    const repeats = builder.constant('repeats', int64Tensor([2], [2 ** 20, 1]));
    for (let i = 0; i < 5; i++) [x] = builder.node('Tile', [x, repeats]);
    expect(() => inferShapes(build(builder, x))).toThrow(expect.objectContaining({ code: 'SHAPE_INFERENCE' }));
  });
});
