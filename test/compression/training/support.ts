import type { ImageSet } from '../../../compression/training/data/images.ts';
import { NetworkBuilder } from '../../../compression/training/networks/layers.ts';
import { seededRandom } from '../../../core/random.ts';
import type { Preprocessing } from '../../../inference/preprocess.ts';
import type { Model } from '../../../onnx/graph.ts';

export const SIDE = 8;

export const PLAIN: Preprocessing = {
  size: [SIDE, SIDE],
  resize: 'stretch',
  crop: 'none',
  mean: [0.5, 0.5, 0.5],
  std: [0.25, 0.25, 0.25],
  layout: 'NCHW',
  channels: 'RGB',
};

/** Noise, brighter in the half of the image that the class names: 0 the left, 1 the right, 2 neither. */
export function sides(count: number, seed = 1): ImageSet {
  const random = seededRandom(seed);
  const pixels = SIDE * SIDE;
  const planes = new SharedArrayBuffer(count * 3 * pixels);
  const labels = new SharedArrayBuffer(count * 4);
  const bytes = new Uint8Array(planes);
  const classOf = new Int32Array(labels);
  for (let i = 0; i < count; i++) {
    classOf[i] = i % 3;
    for (let p = 0; p < 3 * pixels; p++) {
      const half = p % SIDE < SIDE / 2 ? 0 : 1;
      bytes[i * 3 * pixels + p] = random.below(100) + (half === i % 3 ? 100 : 0);
    }
  }
  return { size: [SIDE, SIDE], classes: 3, planes, labels, positions: Array.from({ length: count }, (_, i) => i) };
}

/** Two convolutions with normalisation and a shortcut: everything a large network has, in 500 weights. */
export function smallNetwork(seed = 3): Model {
  const net = new NetworkBuilder('small', seed);
  const stem = net.relu(net.conv('stem', net.input([SIDE, SIDE]), 3, 6));
  const second = net.conv('second', stem, 6, 6);
  const down = net.relu(net.conv('down', net.relu(net.add(second, stem)), 6, 8, { stride: 2 }));
  return net.classifier(down, 8, 3);
}
