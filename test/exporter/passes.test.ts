import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { batchNormToConv } from '../../exporter/passes/batch-norm-to-conv.ts';
import { foldPad } from '../../exporter/passes/convolutions/fold-pad.ts';
import { foldBatchNorm } from '../../exporter/passes/fold-batch-norm.ts';
import { foldConstants } from '../../exporter/passes/fold-constants.ts';
import { foldShapes } from '../../exporter/passes/fold-shapes.ts';
import { FOLDING } from '../../exporter/passes/index.ts';
import { removeIdentity } from '../../exporter/passes/remove-identity.ts';
import { largestDifference } from '../../exporter/verify/parity.ts';
import { int, ints, tensor } from '../../onnx/attributes.ts';
import { readModel } from '../../onnx/file/read.ts';
import { runPasses } from '../../onnx/pass.ts';
import { float32Tensor, int64Tensor } from '../../onnx/tensor.ts';
import { describeWith, sharedData } from '../support/requirements.ts';
import { everythingNetwork, NetworkBuilder } from './networks.ts';
import { noise, operatorsOf, outputOf } from './run.ts';

describe('folding', () => {
  test('leaves operators with int8 kernels only, and computes what the original does', async () => {
    const model = everythingNetwork();
    const folded = await runPasses(model, FOLDING);
    const gone = ['BatchNormalization', 'Dropout', 'MatMul', 'ReduceMean', 'Constant'];
    for (const operator of operatorsOf(folded)) expect(gone).not.toContain(operator);
    const input = noise([4, 3, 16, 16]);
    expect(largestDifference(await outputOf(model, input), await outputOf(folded, input))).toBeLessThan(1e-5);
  });

  test('changes nothing the second time', async () => {
    const folded = await runPasses(everythingNetwork(), FOLDING);
    expect((await runPasses(folded, FOLDING)).graph).toEqual(folded.graph);
  });

  test('shares the tensors it does not change', async () => {
    const model = everythingNetwork();
    const folded = await runPasses(model, FOLDING);
    expect(folded.graph.initializers.get('fc')).toBe(model.graph.initializers.get('fc'));
  });
});

test('a convolution whose output someone else reads keeps its own values', async () => {
  const b = new NetworkBuilder();
  const image = b.input('image', 'float32', ['N', 3, 8, 8]);
  const raw = b.convolution(image, 3, 4);
  const [sum] = b.node('Add', [raw, b.batchNorm(raw, 4)], {}, { outputs: ['sum'] });
  b.output(sum, 'float32', ['N', 4, 8, 8]);
  const model = b.build({ opset: 13, irVersion: 7 });
  expect(operatorsOf(await runPasses(model, [foldBatchNorm]))).toEqual(['Conv', 'BatchNormalization', 'Add']);
  const folded = await runPasses(model, [foldBatchNorm, batchNormToConv]);
  expect(operatorsOf(folded)).toEqual(['Conv', 'Conv', 'Add']);
  const input = noise([2, 3, 8, 8]);
  expect(largestDifference(await outputOf(model, input), await outputOf(folded, input))).toBeLessThan(1e-5);
});

test('a BatchNormalization folds into a Gemm of either orientation', async () => {
  for (const transB of [0, 1]) {
    const b = new NetworkBuilder();
    const x = b.input('x', 'float32', ['N', 6]);
    const [product] = b.node('Gemm', [x, b.weights('w', transB === 1 ? [5, 6] : [6, 5])], { transB: int(transB) });
    const [y] = b.node('Identity', [b.batchNorm(product, 5)], {}, { outputs: ['y'] });
    b.output(y, 'float32', ['N', 5]);
    const model = b.build({ opset: 13, irVersion: 7 });
    const folded = await runPasses(model, FOLDING);
    expect(operatorsOf(folded)).toEqual(['Gemm']);
    const input = noise([3, 6]);
    expect(largestDifference(await outputOf(model, input), await outputOf(folded, input))).toBeLessThan(1e-5);
  }
});

test('a shape computed from the batch becomes a constant, and the batch stays open', async () => {
  const b = new NetworkBuilder();
  const x = b.input('x', 'float32', ['N', 2, 3, 4]);
  const [shape] = b.node('Shape', [x]);
  const zero = b.constant('zero', int64Tensor([], [0]));
  const [batch] = b.node('Gather', [shape, zero], { axis: int(0) });
  const [row] = b.node('Unsqueeze', [batch, b.integers('axes', [0])]);
  const [target] = b.node('Concat', [row, b.integers('rest', [-1])], { axis: int(0) });
  const [flat] = b.node('Reshape', [x, target], {}, { outputs: ['flat'] });
  b.output(flat, 'float32', null);
  const folded = await runPasses(b.build({ opset: 13, irVersion: 7 }), [foldConstants, foldShapes]);
  expect(operatorsOf(folded)).toEqual(['Reshape']);
  expect(await outputOf(folded, noise([5, 2, 3, 4]))).toHaveLength(5 * 24);
});

test('Constant nodes and what depends on them alone become initializers', async () => {
  const b = new NetworkBuilder();
  const x = b.input('x', 'float32', ['N', 2]);
  const [one] = b.node('Constant', [], { value: tensor(float32Tensor([2], Float32Array.of(1, 2))) });
  const [three] = b.node('Add', [one, one]);
  const [y] = b.node('Mul', [x, three], {}, { outputs: ['y'] });
  b.output(y, 'float32', ['N', 2]);
  const folded = await runPasses(b.build({ opset: 13, irVersion: 7 }), [foldConstants]);
  expect(operatorsOf(folded)).toEqual(['Mul']);
  expect([...(await outputOf(folded, { data: Float32Array.of(1, 1), dims: [1, 2] }))]).toEqual([2, 4]);
});

test('an Identity between an input and an output of the graph stays', async () => {
  const b = new NetworkBuilder();
  const x = b.input('x', 'float32', ['N', 2]);
  const [y] = b.node('Identity', [x], {}, { outputs: ['y'] });
  b.output(y, 'float32', ['N', 2]);
  const model = b.build({ opset: 13, irVersion: 7 });
  expect((await runPasses(model, [removeIdentity])).graph).toEqual(model.graph);
});

test('zeros padded before a convolution move into it, but not those before a MaxPool', async () => {
  const padded = (operator: 'Conv' | 'MaxPool') => {
    const b = new NetworkBuilder();
    const x = b.input('x', 'float32', ['N', 3, 8, 8]);
    const [pad] = b.node('Pad', [x, b.integers('pads', [0, 0, 1, 2, 0, 0, 3, 0])]);
    const inputs = operator === 'Conv' ? [pad, b.weights('w', [4, 3, 3, 3])] : [pad];
    const [y] = b.node(operator, inputs, { kernel_shape: ints([3, 3]) }, { outputs: ['y'] });
    b.output(y, 'float32', null);
    return b.build({ opset: 13, irVersion: 7 });
  };
  const folded = await runPasses(padded('Conv'), [foldPad]);
  expect(operatorsOf(folded)).toEqual(['Conv']);
  const input = noise([2, 3, 8, 8]);
  expect(largestDifference(await outputOf(padded('Conv'), input), await outputOf(folded, input))).toBeLessThan(1e-6);
  expect(operatorsOf(await runPasses(padded('MaxPool'), [foldPad]))).toEqual(['Pad', 'MaxPool']);
});

describeWith({ needs: ['data'] }, 'folding published networks', () => {
  test.each(['resnet20', 'resnet56'])('%s keeps its logits to 1e-5', async (name) => {
    const model = await readModel(join(sharedData() ?? '', 'models', 'resnet-cifar10', `${name}-cifar10.onnx`));
    const folded = await runPasses(model, FOLDING);
    expect(operatorsOf(folded)).not.toContain('BatchNormalization');
    const input = noise([8, 3, 32, 32]);
    expect(largestDifference(await outputOf(model, input), await outputOf(folded, input))).toBeLessThan(1e-5);
  });
});
