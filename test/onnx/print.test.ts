import { describe, expect, it } from 'vitest';
import { decodeModel } from '../../onnx/file/read.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import { asFloat32, float32Tensor } from '../../onnx/tensor.ts';
import { printModel } from '../support/print-model.ts';
import { resnet } from './support/resnet.ts';
import { variety } from './support/variety.ts';

describe('printing a model', () => {
  it('shows a ResNet20 as a person would read it', async () => {
    await expect(printModel(resnet(3))).toMatchFileSnapshot('../golden/onnx/resnet20.txt');
  });

  it('shows every kind of field', async () => {
    await expect(printModel(variety())).toMatchFileSnapshot('../golden/onnx/variety.txt');
  });

  it('does not change by writing and reading', () => {
    expect(printModel(decodeModel(encodeModel(variety())))).toBe(printModel(variety()));
  });

  it('changes with a single weight', () => {
    const model = resnet(1);
    const weight = model.graph.initializers.get('stem.weight')!;
    const values = Float32Array.from(asFloat32(weight));
    values[17]! += 1e-6;
    const initializers = new Map(model.graph.initializers).set('stem.weight', float32Tensor(weight.dims, values));
    const [before, after] = [model, { ...model, graph: { ...model.graph, initializers } }].map((model) =>
      printModel(model),
    );
    const lines = after!.split('\n');
    expect(before!.split('\n').filter((line, i) => line !== lines[i])).toHaveLength(1);
  });
});
