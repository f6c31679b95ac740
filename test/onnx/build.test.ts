import { describe, expect, it } from 'vitest';
import {
  float,
  floatAttribute,
  graph,
  hasAttribute,
  int,
  intAttribute,
  intsAttribute,
  stringAttribute,
} from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import { shortNames, suffixedNames } from '../../onnx/names.ts';
import { float32Tensor } from '../../onnx/tensor.ts';

const scalar = float32Tensor([], new Float32Array([1]));

describe('the graph builder', () => {
  it('gives every node, value and constant a name of its own', () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', 'float32', [2]);
    expect([builder.constant('c', scalar), builder.constant('c', scalar), builder.constant('x', scalar)]).toEqual([
      'c',
      'c_1',
      'x_1',
    ]);
    const [a] = builder.node('Relu', [x]);
    const [b] = builder.node('Relu', [a]);
    builder.output(b, 'float32', [2]);
    const { graph } = builder.build({ opset: 13, irVersion: 8 });
    expect(graph.nodes.map(({ name }) => name)).toEqual(['Relu', 'Relu_1']);
    expect(a).not.toBe(b);
  });

  it('refuses a name that is taken', () => {
    const builder = new GraphBuilder();
    builder.input('x', 'float32', [2]);
    expect(() => builder.input('x', 'float32', [2])).toThrow(expect.objectContaining({ code: 'MODEL_INVALID' }));
    expect(() => builder.node('Relu', ['x'], {}, { outputs: ['x'] })).toThrow(/"x" is taken/);
  });

  it('stores equal shared constants once, and what is wanted under a name under that name', () => {
    const builder = new GraphBuilder('shared', { naming: shortNames({ values: ['0', 'y'], nodes: ['1'] }) });
    expect([builder.ints([1, 2]), builder.ints([1, 2]), builder.ints([1]), builder.scalar(1)]).toEqual([
      '1',
      '1',
      '2',
      '3',
    ]);
    expect([builder.constant('gain', scalar), builder.constant('gain', scalar)]).toEqual(['gain', 'gain_1']);
    builder.op('Relu', ['3'], {}, { outputs: ['y'] }); // a kept name is for who makes the value
    expect(builder.nodes.map(({ name, outputs: [output] }) => [name, output])).toEqual([['0', 'y']]);
    expect(() => builder.op('Relu', ['3'], {}, { outputs: ['y'] })).toThrow(/"y" is taken/);
    expect([...builder.initializers.keys()]).toEqual(['1', '2', '3', 'gain', 'gain_1']);
  });

  it('gives a rewrite names that neither the graph nor its subgraphs have', () => {
    const inner = new GraphBuilder('inner');
    inner.constant('hidden', scalar);
    const outer = new GraphBuilder('outer');
    const x = outer.input('x', 'float32', []);
    const branch = {
      name: 'b',
      inputs: [],
      outputs: [],
      initializers: inner.initializers,
      nodes: [],
      valueInfo: new Map(),
    };
    outer.node('If', [x], { then_branch: graph(branch) }, { outputs: ['y'], name: 'choose' });
    const { initializers, nodes } = outer;
    const builder = GraphBuilder.over({
      ...branch,
      inputs: [{ name: x, dtype: 'float32', shape: [] }],
      initializers,
      nodes,
    });
    expect(['x', 'y', 'hidden', 'free'].map((wanted) => builder.value(wanted))).toEqual([
      'x_1',
      'y_1',
      'hidden_1',
      'free',
    ]);
    expect(builder.made('Neg', ['x'], 'z', {}, { name: 'choose' }).name).toBe('choose_1');
    const promised = builder.value('later');
    expect(builder.op('Neg', ['x'], {}, { outputs: [promised] })).toBe('later');
  });

  it('tells what was added by a suffix', () => {
    const naming = suffixedNames(['Mul_g'], { node: '_g', output: '_o', constant: 'k' });
    const builder = new GraphBuilder('gradients', { naming });
    expect(builder.node('Split', ['x'], {}, { count: 2 })).toEqual(['Split_g_o', 'Split_g_o_1']);
    expect(builder.op('Mul', ['x', builder.scalar(2)])).toBe('Mul_g_1_o');
  });

  it('refuses to build what is no model', () => {
    const builder = new GraphBuilder();
    builder.node('Relu', ['nothing']);
    expect(() => builder.build({ opset: 13, irVersion: 8 })).toThrow(/"nothing"/);
  });
});

describe('attributes', () => {
  const node = {
    name: 'n',
    opType: 'Clip',
    domain: '',
    inputs: [],
    outputs: [],
    attributes: { axis: int(3), alpha: float(0.1) },
  };

  it('are read with their fallbacks', () => {
    expect(intAttribute(node, 'axis', 1)).toBe(3);
    expect(intAttribute(node, 'other', 1)).toBe(1);
    expect(intsAttribute(node, 'pads', undefined)).toBeUndefined();
    expect(stringAttribute(node, 'constructor', 'none')).toBe('none');
    expect(hasAttribute(node, 'toString')).toBe(false);
  });

  it('are floats as a file holds them', () => {
    expect(floatAttribute(node, 'alpha', 0)).toBe(Math.fround(0.1));
  });

  it('of another type than asked for are an error, not a fallback', () => {
    expect(() => floatAttribute(node, 'axis', 0)).toThrow(expect.objectContaining({ code: 'MODEL_INVALID' }));
  });
});
