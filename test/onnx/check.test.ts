import { describe, expect, it } from 'vitest';
import { float, int, ints } from '../../onnx/attributes.ts';
import { checkModel } from '../../onnx/check.ts';
import type { Graph, Model, Node } from '../../onnx/graph.ts';
import { float32Tensor } from '../../onnx/tensor.ts';
import { resnet } from './support/resnet.ts';
import { variety } from './support/variety.ts';

const good = resnet(1);
const change = (graph: Partial<Graph>): Model => ({ ...good, graph: { ...good.graph, ...graph } });
const changeNode = (at: number, node: Partial<Node>): Model =>
  change({ nodes: good.graph.nodes.map((each, i) => (i === at ? { ...each, ...node } : each)) });
const weight = good.graph.initializers.get('stem.weight')!;
const withInitializer = (name: string, tensor: typeof weight): Model =>
  change({ initializers: new Map(good.graph.initializers).set(name, tensor) });

describe('the checker', () => {
  it('finds nothing wrong with good models', () => {
    expect(() => checkModel(good)).not.toThrow();
    expect(() => checkModel(variety())).not.toThrow();
  });

  it.each<[string, Model, RegExp]>([
    ['a value made twice', changeNode(2, { outputs: ['image'] }), /"image" is made twice/],
    ['a node output named like an initializer', changeNode(2, { outputs: ['stem.weight'] }), /made twice/],
    ['two nodes of one name', changeNode(1, { name: 'Conv' }), /two nodes are named "Conv"/],
    ['a node without a name', changeNode(1, { name: '' }), /two nodes are named ""/],
    [
      'a node that reads what comes later',
      change({ nodes: good.graph.nodes.toReversed() }),
      /before anything makes it/,
    ],
    ['a node that reads itself', changeNode(0, { inputs: ['Conv_out', 'stem.weight'] }), /before anything makes it/],
    ['a node that makes nothing', changeNode(0, { outputs: [''] }), /makes nothing/],
    [
      'an output nobody makes',
      change({ outputs: [{ name: 'z', dtype: 'float32', shape: null }] }),
      /nothing makes the output "z"/,
    ],
    ['an output twice', change({ outputs: [...good.graph.outputs, ...good.graph.outputs] }), /output twice/],
    [
      'an input that repeats an initializer',
      change({ inputs: [...good.graph.inputs, { name: 'stem.weight', dtype: 'float32', shape: weight.dims }] }),
      /made twice/,
    ],
    ['an operator of a foreign set', changeNode(0, { domain: 'com.example' }), /"com.example"/],
    ['an attribute of the wrong type', changeNode(0, { attributes: { strides: int(2) } }), /should be ints, it is int/],
    ['an integer that is none', changeNode(0, { attributes: { pads: ints([0.5, 0, 0, 0]) } }), /64-bit integer/],
    [
      'a float where an axis belongs',
      changeNode(good.graph.nodes.length - 2, { attributes: { axis: float(1) } }),
      /axis/,
    ],
    [
      'too few bytes',
      withInitializer('w', { ...weight, bytes: weight.bytes.subarray(4) }),
      /needs 1728 bytes, it has 1724/,
    ],
    ['a negative dimension', withInitializer('w', { ...weight, dims: [-1, -1] }), /dimension of -1/],
    [
      'a fractional dimension',
      change({ inputs: [{ name: 'image', dtype: 'float32', shape: [1.5] }] }),
      /dimension of 1.5/,
    ],
    ['a version of nothing', { ...good, irVersion: 0 }, /IR version 0/],
    ['an operator set that is no number', { ...good, opsets: new Map([['', Number.NaN]]) }, /version NaN/],
  ])('names %s', (_, model, message) => {
    expect(() => checkModel(model)).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringMatching(message) }),
    );
  });

  it('looks into subgraphs', () => {
    const model = variety();
    const nodes = model.graph.nodes.map((node) => {
      const branch = node.attributes.then_branch;
      if (branch?.type !== 'graph') return node;
      const broken: Graph = {
        ...branch.value,
        initializers: new Map([['yes_c', { ...float32Tensor([2], new Float32Array(1)) }]]),
      };
      return { ...node, attributes: { ...node.attributes, then_branch: { type: 'graph' as const, value: broken } } };
    });
    expect(() => checkModel({ ...model, graph: { ...model.graph, nodes } })).toThrow(/initializer yes_c/);
  });
});
