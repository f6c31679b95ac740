import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { float, floats, int, ints, string } from '../../onnx/attributes.ts';
import { readModel } from '../../onnx/file/read.ts';
import type { Model } from '../../onnx/graph.ts';
import { upgradeOpset } from '../../onnx/opset.ts';
import { inferShapes } from '../../onnx/shapes.ts';
import { float32Tensor } from '../../onnx/tensor.ts';
import { describeWith, sharedData } from '../support/requirements.ts';
import { type OneNode, oneNode } from './support/one-node.ts';
import { resnet } from './support/resnet.ts';
import { runModel } from './support/run.ts';

const f32 = (...values: number[]) => float32Tensor([values.length], Float32Array.from(values));
const image = [2, 3, 6, 8];

/** Operators in the form of an old operator set, which changed on the way to 21. */
const OLD: readonly OneNode[] = [
  { op: 'Squeeze', inputs: [[2, 1, 3, 1]], attributes: { axes: ints([1, 3]) }, opset: 9 },
  { op: 'Unsqueeze', inputs: [[2, 3]], attributes: { axes: ints([0, 2]) }, opset: 11 },
  { op: 'ReduceSum', inputs: [image], attributes: { axes: ints([2, 3]), keepdims: int(0) }, opset: 11 },
  { op: 'ReduceMean', inputs: [image], attributes: { axes: ints([2, 3]) }, opset: 11 },
  { op: 'ReduceMax', inputs: [image], attributes: { axes: ints([1]) }, opset: 12 },
  { op: 'Clip', inputs: [image], attributes: { min: float(0), max: float(0.5) }, opset: 7 },
  { op: 'Clip', inputs: [image], attributes: { max: float(0.5) }, opset: 10 },
  { op: 'Softmax', inputs: [image], opset: 11 },
  { op: 'Softmax', inputs: [[2, 5]], opset: 9 },
  { op: 'Softmax', inputs: [image], attributes: { axis: int(-1) }, opset: 12 },
  { op: 'LogSoftmax', inputs: [image], attributes: { axis: int(2) }, opset: 11 },
  { op: 'Softmax', inputs: [[2, 5, 1, 1]], attributes: { axis: int(1) }, opset: 11 },
  { op: 'Dropout', inputs: [image], attributes: { ratio: float(0.3) }, opset: 7 },
  { op: 'BatchNormalization', inputs: [image, f32(1, 2, 3), f32(1, 0, 1), f32(0, 1, 0), f32(1, 2, 1)], opset: 7 },
  {
    op: 'BatchNormalization',
    inputs: [image, f32(1, 2, 3), f32(1, 0, 1), f32(0, 1, 0), f32(1, 2, 1)],
    attributes: { spatial: int(1) },
    opset: 8,
  },
  { op: 'Pad', inputs: [image], attributes: { pads: ints([0, 0, 1, 2, 0, 0, 3, 0]), value: float(0.5) }, opset: 9 },
  {
    op: 'Pad',
    inputs: [image],
    attributes: { pads: ints([0, 0, 1, 1, 0, 0, 1, 1]), mode: string('reflect') },
    opset: 10,
  },
  {
    op: 'Slice',
    inputs: [image],
    attributes: { starts: ints([1, -3]), ends: ints([3, 2 ** 63]), axes: ints([2, 3]) },
    opset: 9,
  },
  { op: 'Slice', inputs: [image], attributes: { starts: ints([0, 1]), ends: ints([1, 3]) }, opset: 8 },
  { op: 'Split', inputs: [image], attributes: { axis: int(3), split: ints([3, 5]) }, outputs: 2, opset: 11 },
  { op: 'Split', inputs: [image], attributes: { axis: int(2) }, outputs: 3, opset: 11 },
  { op: 'TopK', inputs: [image], attributes: { k: int(2), axis: int(3) }, outputs: 2, opset: 9 },
  { op: 'Upsample', inputs: [image], attributes: { scales: floats([1, 1, 2, 3]), mode: string('nearest') }, opset: 8 },
  { op: 'Upsample', inputs: [image, f32(1, 1, 2, 2)], attributes: { mode: string('linear') }, opset: 9 },
  { op: 'Resize', inputs: [image, f32(1, 1, 2, 1.5)], attributes: { mode: string('nearest') }, opset: 10 },
];

const typed = (each: OneNode): Model => {
  const bare = oneNode(each);
  const types = inferShapes({ ...bare, graph: { ...bare.graph, outputs: [] } });
  return oneNode(
    each,
    bare.graph.outputs.map(({ name }) => types.get(name)?.dtype ?? 'float32'),
  );
};

describe('upgrading the operator set', () => {
  it.each(OLD.map((each, i) => [`${each.op} of ${each.opset} (${i})`, each] as const))(
    'keeps what %s computes',
    async (_, each) => {
      const old = typed(each);
      const expected = await runModel(old);
      for (const target of [13, 18, 21]) {
        const upgraded = upgradeOpset(old, target);
        expect(upgraded.opsets.get('')).toBe(target);
        const found = await runModel(upgraded);
        for (const [name, { dims, data }] of Object.entries(expected)) {
          expect(found[name]?.dims, `${name} at ${target}`).toEqual(dims);
          expect([...(found[name]?.data ?? [])], `${name} at ${target}`).toEqual([...data]);
        }
      }
    },
  );

  it('leaves a model alone that is new enough', () => {
    const model = resnet(1);
    expect(upgradeOpset(model, 13)).toBe(model);
    expect(upgradeOpset(model, 11)).toBe(model);
  });

  it.each<[string, OneNode, RegExp]>([
    ['an older operator set than it knows', { op: 'Relu', inputs: [image], opset: 6 }, /operator set 6/],
    [
      'an operator whose history it does not know',
      {
        op: 'NonMaxSuppression',
        inputs: [
          [1, 2, 4],
          [1, 1, 2],
        ],
        opset: 10,
      },
      /history/,
    ],
    ['a mask of Dropout', { op: 'Dropout', inputs: [image], outputs: 2, opset: 9 }, /mask/],
    [
      'statistics per position',
      {
        op: 'BatchNormalization',
        inputs: [image, image, image, image, image],
        attributes: { spatial: int(0) },
        opset: 8,
      },
      /SHAPE|position|dimensions/,
    ],
    ['a shrinking nearest pixel', { op: 'Resize', inputs: [image, f32(1, 1, 0.5, 0.5)], opset: 10 }, /rounding/],
  ])('refuses %s', (_, each, message) => {
    expect(() => upgradeOpset(oneNode(each), 13)).toThrow(message);
  });
});

describeWith({ needs: ['data'] }, 'upgrading a real model', () => {
  it('keeps every output of YOLOX from 11 to 21, bit for bit', async () => {
    const model = await readModel(join(sharedData() ?? '', 'models', 'yolox_nano.onnx'));
    const [before, after] = [await runModel(model), await runModel(upgradeOpset(model, 21))];
    for (const [name, { data }] of Object.entries(before)) {
      expect(Buffer.compare(new Uint8Array(data.buffer), new Uint8Array(after[name]!.data.buffer))).toBe(0);
    }
  });
});
