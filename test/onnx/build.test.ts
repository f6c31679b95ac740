import { describe, expect, it } from 'vitest';
import {
  float,
  floatAttribute,
  hasAttribute,
  int,
  intAttribute,
  intsAttribute,
  stringAttribute,
} from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
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
