import { describe, expect, test } from 'vitest';
import { quantizeFile } from '../../../exporter/commands/quantize-file.ts';
import { requireFloat } from '../../../exporter/reading/require-float.ts';
import { GraphBuilder } from '../../../onnx/build.ts';
import type { Model } from '../../../onnx/graph.ts';
import { float32Tensor, uint8Tensor } from '../../../onnx/tensor.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { wideClassifier } from '../../support/wide-classifier.ts';
import { given } from '../commands/given.ts';

const folder = temporaryFolder();

/** A model of one operator over constants, whatever it means: only its name counts here. */
function holding(opType: string, domain = '', inputs = 3): Model {
  const b = new GraphBuilder('one');
  const x = b.input('x', 'float32', ['N', 3, 8, 8]);
  const constants = Array.from({ length: inputs - 1 }, (_, i) =>
    b.constant(`c${i}`, i % 2 === 0 ? float32Tensor([], Float32Array.of(1)) : uint8Tensor([], Uint8Array.of(0))),
  );
  const [y] = b.node(opType, [x, ...constants], {}, { domain, name: 'culprit' });
  b.output(y, 'float32', null);
  return b.build({ opset: 13, irVersion: 8, domains: domain === '' ? {} : { [domain]: 1 } });
}

describe('a model that is no float model any more', () => {
  test.each([
    ['QLinearConv', ''],
    ['QLinearMatMul', ''],
    ['ConvInteger', ''],
    ['MatMulInteger', ''],
    ['DynamicQuantizeLinear', ''],
    ['QuantizeLinear', ''],
    ['DequantizeLinear', 'com.microsoft'],
    ['QLinearGlobalAveragePool', 'com.microsoft'],
    ['DynamicQuantizeMatMul', 'com.microsoft'],
    ['QGemm', 'com.microsoft'],
    ['MatMulNBits', 'com.microsoft'],
  ])('is refused by the name of its operators: %s', (opType, domain) => {
    expect(() => requireFloat(holding(opType, domain))).toThrow(
      expect.objectContaining({
        code: 'MODEL_QUANTIZED',
        message: expect.stringMatching(`quantized already: it has 1 ${opType}.*culprit`),
      }),
    );
  });

  test.each([
    ['FusedConv', 'com.microsoft'],
    ['FusedMatMul', 'com.microsoft'],
    ['Conv', 'com.microsoft.nchwc'],
    ['Conv', 'com.ms.internal.nhwc'],
  ])('is refused as what ONNX Runtime saved: %s of %s', (opType, domain) => {
    expect(() => requireFloat(holding(opType, domain))).toThrow(
      expect.objectContaining({
        code: 'MODEL_UNSUPPORTED',
        message: expect.stringMatching(`saved by ONNX Runtime.*${opType} of ${domain}.*culprit`),
      }),
    );
  });

  test('float operators of any domain pass', () => {
    requireFloat(wideClassifier());
    requireFloat(holding('Gelu', 'com.microsoft', 1));
  });

  test('what quantize wrote is not quantized again', async () => {
    const { at, options } = await given(folder());
    await quantizeFile({ ...options, out: at('int8.onnx') });
    const again = quantizeFile({ ...options, model: at('int8.onnx'), out: at('again.onnx') });
    await expect(again).rejects.toMatchObject({ code: 'MODEL_QUANTIZED' });
  });
});
