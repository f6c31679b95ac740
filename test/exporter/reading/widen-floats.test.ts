import { describe, expect, test } from 'vitest';
import { widenFloats } from '../../../exporter/reading/widen-floats.ts';
import { graph as graphOf, int, tensor } from '../../../onnx/attributes.ts';
import { GraphBuilder } from '../../../onnx/build.ts';
import type { Graph } from '../../../onnx/graph.ts';
import { asFloat32, type Tensor } from '../../../onnx/tensor.ts';
import { DATA_TYPES } from '../../../onnx/types.ts';
import { inHalf, valueOfHalf } from '../../support/networks/half.ts';
import { wideClassifier } from '../../support/wide-classifier.ts';

const everyCode = (dtype: 'float16' | 'bfloat16'): Tensor => ({
  dtype,
  dims: [65536],
  bytes: new Uint8Array(Uint16Array.from({ length: 65536 }, (_, i) => i).buffer),
});

function holding(value: Tensor) {
  const b = new GraphBuilder('codes');
  const x = b.input('x', value.dtype, [65536]);
  const [sum] = b.node('Add', [x, b.constant('codes', value)]);
  b.output(sum, value.dtype, [65536]);
  return b.build({ opset: 13, irVersion: 8 });
}

describe('widening 16-bit floats', () => {
  test('gives every float16 its value, subnormals, infinities and the sign of zero included', () => {
    const values = asFloat32(widenFloats(holding(everyCode('float16'))).graph.initializers.get('codes')!);
    const wrong = Array.from(values.keys()).filter((code) => !Object.is(values[code], valueOfHalf(code)));
    expect(wrong).toEqual([]);
  });

  test('gives every bfloat16 its value: the upper half of the bits of a float32', () => {
    const values = asFloat32(widenFloats(holding(everyCode('bfloat16'))).graph.initializers.get('codes')!);
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    expect(Array.from(bits.keys()).filter((code) => bits[code] !== code * 65536)).toEqual([]);
  });

  test('leaves no narrow type behind: inputs, outputs, Constant nodes, Casts, subgraphs', () => {
    const half: Tensor = { dtype: 'float16', dims: [], bytes: Uint8Array.of(0xff, 0xfb) }; // -65504, as masks hold
    const branch = (output: string): Graph => ({
      name: output,
      inputs: [],
      outputs: [{ name: output, dtype: 'float16', shape: [] }],
      initializers: new Map([[output, half]]),
      nodes: [],
      valueInfo: new Map(),
    });
    const b = new GraphBuilder('narrow');
    const x = b.input('x', 'float16', ['N']);
    const flag = b.input('flag', 'bool', []);
    const [mask] = b.node('Constant', [], { value: tensor(half) });
    const [chosen] = b.node('If', [flag], { then_branch: graphOf(branch('t')), else_branch: graphOf(branch('e')) });
    const [noise] = b.node('RandomNormalLike', [x], { dtype: int(DATA_TYPES.float16) });
    const [cast] = b.node('Cast', [x], { to: int(DATA_TYPES.bfloat16) });
    const [back] = b.node('Cast', [cast], { to: int(DATA_TYPES.float16) });
    const [sum] = b.node('Sum', [back, mask, chosen, noise]);
    b.output(sum, 'float16', ['N']);
    const { graph } = widenFloats(b.build({ opset: 13, irVersion: 8 }));
    const text = JSON.stringify(graph, (_, value: unknown) => (value instanceof Map ? [...value] : value));
    expect(text).not.toMatch(/float16/);
    expect(graph.nodes.flatMap(({ attributes: { to, dtype } }) => [to ?? dtype ?? []].flat())).toEqual(
      Array(3).fill(int(DATA_TYPES.float32)),
    );
    const constant = graph.nodes.find(({ opType }) => opType === 'Constant')?.attributes.value;
    expect(constant?.type === 'tensor' && asFloat32(constant.value)[0]).toBe(-65504);
  });

  test('hands a float32 model on untouched', () => {
    const model = wideClassifier();
    expect(widenFloats(model)).toBe(model);
    expect(widenFloats(inHalf(model)).graph.initializers.size).toBe(model.graph.initializers.size);
  });
});
