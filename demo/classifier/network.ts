import type { Preprocessing } from '../../inference/preprocess.ts';
import { int, ints } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import type { Model } from '../../onnx/graph.ts';
import { float32Tensor } from '../../onnx/tensor.ts';
import type { Filters } from './dictionary.ts';

/** Side of the network's input in pixels: the smallest region of the demonstration is about this size in the frame. */
export const SIDE = 40;

export const PREPROCESSING: Preprocessing = {
  size: [SIDE, SIDE],
  resize: 'stretch',
  crop: 'none',
  mean: [0.45, 0.45, 0.45],
  std: [0.25, 0.25, 0.25],
  layout: 'NCHW',
  channels: 'RGB',
};

/** Convolution, ReLU and pooling. */
export interface Stage {
  /** `[channels, inputs, kernel, kernel]`. */
  readonly weights: Float32Array;
  readonly biases: Float32Array;
  readonly channels: number;
  readonly inputs: number;
  readonly kernel: number;
  readonly pool: 'MaxPool' | 'AveragePool';
  /** Side and stride of the pooling window. */
  readonly window: number;
}

export interface Head {
  /** `[features, classes]`. */
  readonly weights: Float32Array;
  readonly biases: Float32Array;
}

/**
 * Every filter and its negative, less a threshold: after ReLU a patch answers only where it clearly looks like the filter,
 * or like its inverse (Coates and Ng 2012, section 3.3, "soft threshold").
 */
export function stageOf(
  { weights, biases }: Filters,
  threshold: number,
  shape: Pick<Stage, 'inputs' | 'kernel' | 'pool' | 'window'>,
): Stage {
  const signs = [1, -1];
  const signed = signs.flatMap((sign) => weights.map((filter) => Array.from(filter, (value) => sign * value)));
  return {
    ...shape,
    channels: signed.length,
    weights: Float32Array.from(signed.flat()),
    biases: Float32Array.from(signs.flatMap((sign) => biases.map((bias) => sign * bias - threshold))),
  };
}

/** A stage with each channel divided by `scales`: both ReLU and pooling commute with a positive factor. */
export function scaled(stage: Stage, scales: readonly number[]): Stage {
  const each = stage.weights.length / stage.channels;
  return {
    ...stage,
    weights: stage.weights.map((value, i) => value / scales[Math.floor(i / each)]!),
    biases: stage.biases.map((value, channel) => value / scales[channel]!),
  };
}

/** The network so far, or, with a head, the classifier: `[N, 3, SIDE, SIDE]` to features or to `[N, classes]`. */
export function buildNetwork(stages: readonly Stage[], head?: Head): Model {
  const builder = new GraphBuilder('street');
  let value = builder.input('image', 'float32', ['N', 3, SIDE, SIDE]);
  for (const [i, { weights, biases, channels, inputs, kernel, pool, window }] of stages.entries()) {
    const weight = builder.constant(`conv${i + 1}.weight`, float32Tensor([channels, inputs, kernel, kernel], weights));
    const bias = builder.constant(`conv${i + 1}.bias`, float32Tensor([channels], biases));
    const pad = (kernel - 1) / 2;
    [value] = builder.node('Conv', [value, weight, bias], {
      kernel_shape: ints([kernel, kernel]),
      pads: ints([pad, pad, pad, pad]),
    });
    [value] = builder.node('Relu', [value]);
    [value] = builder.node(pool, [value], { kernel_shape: ints([window, window]), strides: ints([window, window]) });
  }
  [value] = builder.node('Flatten', [value], { axis: int(1) });
  if (head === undefined) {
    builder.output(value, 'float32', ['N', 'features']);
  } else {
    const classes = head.biases.length;
    const weight = builder.constant(
      'head.weight',
      float32Tensor([head.weights.length / classes, classes], head.weights),
    );
    const bias = builder.constant('head.bias', float32Tensor([classes], head.biases));
    [value] = builder.node('Gemm', [value, weight, bias]);
    builder.output(value, 'float32', ['N', classes]);
  }
  return builder.build({ opset: 13, irVersion: 8 });
}
