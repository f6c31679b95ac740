import { describe, expect, test } from 'vitest';
import { inspectModel } from '../../cli/inspection.ts';
import { int } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import type { Model } from '../../onnx/graph.ts';
import { float32Tensor, int8Tensor } from '../../onnx/tensor.ts';
import { NetworkBuilder } from '../exporter/networks.ts';

function small(shape: readonly (number | string)[]): Model {
  const b = new NetworkBuilder('small');
  const image = b.input('image', 'float32', ['N', 3, 8, 8]);
  b.node('Relu', [b.convolution(image, 3, 4)], {}, { outputs: ['y'] });
  b.output('y', 'float32', shape);
  return b.build({ opset: 13, irVersion: 8 });
}

describe('what contradicts itself is noted, not refused', () => {
  test('a declared rank: operations are counted all the same', () => {
    const { notes, macs } = inspectModel(small(['N', 4]));
    expect(notes).toEqual([expect.stringMatching(/Relu.*the file declares \[N, 4\]/)]);
    expect(macs).toBe(8 * 8 * 4 * 27);
    expect(inspectModel(small(['N', 4, 8, 8])).notes).toEqual([]);
  });

  test('a node whose inputs do not fit: its operations are unknown', () => {
    const b = new GraphBuilder('unfit');
    const image = b.input('image', 'float32', ['N', 3, 8, 8]);
    const weight = b.constant('w', float32Tensor([4, 5, 1, 1], new Float32Array(20)));
    const [y] = b.node('Conv', [image, weight]);
    b.output(y, 'float32', null);
    const { notes, macs, layers } = inspectModel(b.build({ opset: 13, irVersion: 8 }));
    expect(notes).toEqual([expect.stringMatching(/3 channels meet a weight/)]);
    expect({ macs, layers: layers.length }).toEqual({ macs: null, layers: 1 });
  });

  test('versions newer than known', () => {
    const model = small(['N', 4, 8, 8]);
    const newer = { ...model, irVersion: 14, opsets: new Map([['', 27]]) };
    expect(inspectModel(newer).notes.join()).toMatch(/IR version 14.*operator set 27/);
    expect(inspectModel(newer).parameters).toBe(inspectModel(model).parameters);
  });

  test('a scale of one dimension beside a zero point of none is one scale', () => {
    const b = new GraphBuilder('scales');
    const codes = b.constant('codes', int8Tensor([4], Int8Array.of(1, 2, 3, 4)));
    const scale = b.constant('scale', float32Tensor([1], Float32Array.of(0.5)));
    const zero = b.constant('zero', int8Tensor([], Int8Array.of(0)));
    const [bias] = b.node('DequantizeLinear', [codes, scale, zero], { axis: int(0) });
    b.output(bias, 'float32', [4]);
    expect(inspectModel(b.build({ opset: 13, irVersion: 8 })).notes).toEqual([]);
  });
});
