import { NetworkBuilder } from '../../compression/training/networks/layers.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import type { Model } from '../../onnx/graph.ts';
import { CLASSES } from '../scene/types.ts';

/** Side of the network's input in pixels: the smallest region of the demonstration is about this size in the frame. */
const SIDE = 40;

export const PREPROCESSING: Preprocessing = {
  size: [SIDE, SIDE],
  resize: 'stretch',
  crop: 'none',
  mean: [0.45, 0.45, 0.45],
  std: [0.25, 0.25, 0.25],
  layout: 'NCHW',
  channels: 'RGB',
};

/** Output channels, kernel and stride of each convolution: 11 million multiplications a region. */
const CONVOLUTIONS = [
  [24, 5, 2],
  [32, 3, 1],
  [48, 3, 2],
  [64, 3, 1],
  [96, 3, 2],
  [96, 3, 1],
] as const;

/** The untrained network, `[N, 3, SIDE, SIDE]` to `[N, classes]`. It halves the image at once: a region on a small box is to cost little. */
export function streetNet(seed: number): Model {
  const net = new NetworkBuilder('street', seed);
  let value = net.input([SIDE, SIDE]);
  let channels = 3;
  for (const [i, [to, kernel, stride]] of CONVOLUTIONS.entries()) {
    value = net.relu(net.conv(`conv${i + 1}`, value, channels, to, { kernel, stride }));
    channels = to;
  }
  return net.classifier(value, channels, CLASSES.length);
}
