import type { Model } from '../../../onnx/graph.ts';
import * as form from './forms.ts';
import { mobilenetV2, mobilenetV3 } from './mobilenet.ts';
import type { Dialect } from './network.ts';
import { resnet18 } from './resnet.ts';
import { withStatistics } from './statistics.ts';
import { vit } from './vit.ts';

const plain = (dialect: Partial<Dialect> = {}): Promise<Model> => withStatistics(mobilenetV2({ size: 64, ...dialect }));
const residual = (dialect: Partial<Dialect> = {}): Promise<Model> => withStatistics(resnet18({ size: 64, ...dialect }));

/** One network in the forms in which exporters write it down. */
export const VARIANTS: Readonly<Record<string, () => Promise<Model>>> = {
  'opset 7, Clip with attributes': () => plain({ opset: 7 }),
  'opset 9': () => plain({ opset: 9 }),
  'opset 11': () => plain({ opset: 11 }),
  'opset 17': () => plain({ opset: 17 }),
  'opset 7, HardSwish written out': () => withStatistics(mobilenetV3({ size: 64, opset: 7 })),
  'ViT, opset 11': () => withStatistics(vit({ opset: 11 })),
  'batch of 1': () => plain({ batch: 1 }),
  'batch of 4': () => plain({ batch: 4 }),
  'BatchNormalization folded': () => residual({ norm: 'folded' }),
  'BatchNormalization as Mul and Add': async () => form.normAsMulAdd(await plain()),
  'constants as nodes': async () => form.constantNodes(await plain()),
  'Flatten as Reshape': () => plain({ flattening: 'Reshape' }),
  'Flatten by shapes': () => plain({ flattening: 'shapes' }),
  'Flatten by shapes, opset 9': () => plain({ flattening: 'shapes', opset: 9 }),
  'ReduceMean as pooling': () => plain({ pooling: 'ReduceMean' }),
  'MatMul and Add as head': () => plain({ head: 'MatMul' }),
  'MatMul, Reshape': () => plain({ head: 'MatMul', flattening: 'shapes' }),
  'Gemm with factors': async () => form.scaledGemm(await plain()),
  'Softmax at the end': () => plain({ softmax: true }),
  'Softmax at the end, opset 11': () => plain({ softmax: true, opset: 11 }),
  'Dropout and Identity': () => plain({ dropout: true }),
  'Dropout and Identity, opset 9': () => plain({ dropout: true, opset: 9 }),
  'Pad before Conv': async () => form.padBeforeConv(await plain()),
  'pads by rule': async () => form.automaticPads(await plain()),
  'Sum for Add': async () => form.sumOfTwo(await residual()),
  'two outputs': async () => form.twoOutputs(await plain()),
  'normalisation inside': async () => form.normalizedInside(await plain()),
};

/** Forms whose input is not `float32 [N, 3, H, W]`, but of which the exporter makes such. */
export const CONVERTED_INPUTS: Readonly<Record<string, () => Promise<Model>>> = {
  'channels last': async () => form.channelsLast(await plain()),
  'bytes in': async () => form.bytesIn(await plain()),
  'bytes in, channels last': async () => form.channelsLast(form.bytesIn(await plain())),
};

/** Inputs that no image fits, and what the error says. */
export const REFUSED_INPUTS: Readonly<Record<string, readonly [() => Promise<Model>, RegExp]>> = {
  'grey in': [async () => form.greyIn(await plain()), /expected an input \[N, 3, H, W\], got \[N, 1, 64, 64\]/],
  'two inputs': [async () => form.twoInputs(await plain()), /expected a model with one input, got 2/],
};
