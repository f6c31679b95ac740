import { describe, expect, it } from 'vitest';
import { foldBatchNorm } from '../../../exporter/passes/fold-batch-norm.ts';
import { FOLDING } from '../../../exporter/passes/index.ts';
import { plainGemm } from '../../../exporter/passes/plain-gemm.ts';
import { sumToAdd } from '../../../exporter/passes/sum-to-add.ts';
import { largestDifference } from '../../../exporter/verify/parity.ts';
import { float } from '../../../onnx/attributes.ts';
import { runPasses } from '../../../onnx/pass.ts';
import { float32Tensor } from '../../../onnx/tensor.ts';
import * as form from '../../support/networks/forms.ts';
import { mobilenetV2 } from '../../support/networks/mobilenet.ts';
import { resnet18 } from '../../support/networks/resnet.ts';
import { NetworkBuilder } from '../networks.ts';
import { noise, operatorsOf, outputOf } from '../run.ts';

describe('what exporters write differently folds to the same operators', () => {
  const input = noise([1, 3, 32, 32]);
  it.each([
    ['constants as nodes', form.constantNodes],
    ['Pad before Conv', form.padBeforeConv],
    ['normalisation as Mul and Add', form.normAsMulAdd],
    ['a Gemm with factors', form.scaledGemm],
    ['Sum for Add', form.sumOfTwo],
  ])('%s', async (_, written) => {
    for (const plain of [resnet18(), mobilenetV2()]) {
      const other = written(plain);
      const folded = await runPasses(other, FOLDING);
      expect(operatorsOf(folded)).toEqual(operatorsOf(await runPasses(plain, FOLDING)));
      expect(largestDifference(await outputOf(other, input), await outputOf(folded, input))).toBeLessThan(1e-5);
    }
  });

  it.each([
    ['Dropout and Identity', { dropout: true }],
    ['ReduceMean', { pooling: 'ReduceMean' }],
    ['MatMul and Add', { head: 'MatMul' }],
  ] as const)('%s', async (_, dialect) => {
    const folded = await runPasses(resnet18(dialect), FOLDING);
    expect(operatorsOf(folded)).toEqual(operatorsOf(await runPasses(resnet18(), FOLDING)));
  });
});

describe('arithmetic behind a convolution', () => {
  const input = noise([2, 3, 6, 6]);
  const behind = (opType: string, dims: readonly number[], constantFirst = false, twice = false) => {
    const b = new NetworkBuilder();
    const sums = b.convolution(b.input('image', 'float32', ['N', 3, 6, 6]), 3, 4);
    const constant = b.positive('c', dims);
    const [y] = b.node(opType, constantFirst ? [constant, sums] : [sums, constant]);
    const [last] = b.node('Mul', [y, twice ? sums : y], {}, { outputs: ['y'] });
    b.output(last, 'float32', ['N', 4, 6, 6]);
    return b.build({ opset: 13, irVersion: 7 });
  };

  it.each([
    ['Mul', [4, 1, 1], false],
    ['Mul', [], true],
    ['Div', [1, 4, 1, 1], false],
    ['Add', [1, 4, 1, 1], true],
    ['Sub', [4, 1, 1], false],
    ['Sub', [1], true],
  ] as const)('%s with [%s] goes into it', async (opType, dims, constantFirst) => {
    const model = behind(opType, dims, constantFirst);
    const folded = await runPasses(model, [foldBatchNorm]);
    expect(operatorsOf(folded)).toEqual(['Conv', 'Mul']);
    expect(largestDifference(await outputOf(model, input), await outputOf(folded, input))).toBeLessThan(1e-5);
  });

  it.each([
    ['a constant divided by it', 'Div', [4, 1, 1], true, false],
    ['a constant a column', 'Add', [1, 6], false, false],
    ['a constant an image', 'Add', [2, 4, 1, 1], false, false],
    ['a convolution someone else reads', 'Mul', [4, 1, 1], false, true],
  ] as const)('stays: %s', async (_, opType, dims, constantFirst, twice) => {
    const model = behind(opType, dims, constantFirst, twice);
    expect(operatorsOf(await runPasses(model, [foldBatchNorm]))).toEqual(['Conv', opType, 'Mul']);
  });
});

describe('plain-gemm', () => {
  const gemm = (biasDims: readonly number[], alpha: number, beta: number) => {
    const b = new NetworkBuilder();
    const inputs = [b.input('x', 'float32', [2, 6]), b.weights('w', [6, 5]), b.weights('b', biasDims)];
    b.node('Gemm', inputs, { alpha: float(alpha), beta: float(beta) }, { outputs: ['y'] });
    b.output('y', 'float32', [2, 5]);
    return b.build({ opset: 13, irVersion: 7 });
  };

  it.each([[[5]], [[1, 5]], [[1]], [[]]])('takes the factors in, with a bias of %j', async (dims) => {
    const model = gemm(dims, 0.5, 3);
    const plain = await runPasses(model, [plainGemm]);
    const [node] = plain.graph.nodes;
    expect(node?.attributes).toEqual({});
    expect(plain.graph.initializers.get(node?.inputs[2] ?? '')?.dims).toEqual([5]);
    const input = noise([2, 6]);
    expect(largestDifference(await outputOf(model, input), await outputOf(plain, input))).toBeLessThan(1e-6);
  });

  it('leaves a bias for every row alone, and what is plain', async () => {
    for (const model of [gemm([2, 5], 0.5, 1), gemm([2, 1], 0.5, 1), gemm([5], 1, 1)])
      expect((await runPasses(model, [plainGemm])).graph.nodes).toEqual(model.graph.nodes);
  });
});

it('a Sum of any number is a chain of Add', async () => {
  for (const count of [1, 2, 4]) {
    const b = new NetworkBuilder();
    const x = b.input('x', 'float32', ['N', 3]);
    const others = Array.from({ length: count - 1 }, (_, i) =>
      b.constant('c', float32Tensor([], Float32Array.of(i + 1))),
    );
    b.node('Sum', [x, ...others], {}, { outputs: ['y'] });
    b.output('y', 'float32', ['N', 3]);
    const model = b.build({ opset: 13, irVersion: 7 });
    const added = await runPasses(model, [sumToAdd]);
    expect(operatorsOf(added)).toEqual(count === 1 ? ['Identity'] : new Array(count - 1).fill('Add'));
    const input = noise([2, 3]);
    expect(await outputOf(added, input)).toEqual(await outputOf(model, input));
  }
});
