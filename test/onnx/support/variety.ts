import { float, floats, graph, int, ints, string, strings, tensor } from '../../../onnx/attributes.ts';
import { GraphBuilder } from '../../../onnx/build.ts';
import type { Graph, Model } from '../../../onnx/graph.ts';
import { float32Tensor, int8Tensor, int64Tensor } from '../../../onnx/tensor.ts';

const branch = (name: string, value: number): Graph => ({
  name,
  inputs: [],
  outputs: [{ name: `${name}_out`, dtype: 'float32', shape: ['N', 4] }],
  initializers: new Map([[`${name}_c`, float32Tensor([], new Float32Array([value]))]]),
  nodes: [
    { name: 'add', opType: 'Add', domain: '', inputs: ['x', `${name}_c`], outputs: [`${name}_out`], attributes: {} },
  ],
  valueInfo: new Map(),
});

/** A small model in which every kind of field occurs once: each attribute type, sub-byte data, a subgraph, metadata. */
export function variety(): Model {
  const builder = new GraphBuilder('variety');
  const x = builder.input('x', 'float32', ['N', 4]);
  const condition = builder.input('condition', 'bool', []);
  const [chosen] = builder.node('If', [condition], {
    then_branch: graph(branch('yes', 1)),
    else_branch: graph(branch('no', 2)),
  });
  const indices = builder.constant('indices', { dtype: 'uint4', dims: [3], bytes: Uint8Array.of(0x21, 0x03) });
  const [wide] = builder.node('Cast', [indices], { to: int(6) });
  const codes = builder.constant('codes', int8Tensor([4], Int8Array.of(-3, 0, 5, 127)));
  const [gathered] = builder.node('Gather', [codes, wide], { axis: int(0) });
  builder.output(gathered, 'int8', [3]);
  const [dims] = builder.node('Shape', [x]);
  const [first] = builder.node('Gather', [dims, builder.constant('zero', int64Tensor([1], [0]))]);
  const [target] = builder.node('Concat', [first, builder.constant('rest', int64Tensor([2], [2, 2]))], {
    axis: int(0),
  });
  const [square] = builder.node('Reshape', [chosen, target]);
  const [sum] = builder.node('ReduceMean', [square], { axes: ints([1, 2]), keepdims: int(0) });
  builder.output(sum, 'float32', ['N']);
  builder.node('Constant', [], { value: tensor(int64Tensor([2], [1, -1])) });
  const details = { factor: float(0.1), list: floats([0.5, -1]), mode: string('linear'), names: strings(['a', 'ü']) };
  const [own] = builder.node('Anything', [x, '', x], details, { domain: 'example.org' });
  builder.output(own, 'float32', null);
  const model = builder.build({ opset: 21, irVersion: 10, domains: { 'example.org': 1 } });
  return {
    ...model,
    metadata: new Map([['author', 'nobody']]),
    graph: { ...model.graph, valueInfo: new Map([[square, { dtype: 'float32', shape: ['N', 2, 2] }]]) },
  };
}
