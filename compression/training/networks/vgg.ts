import { NetworkBuilder } from './layers.ts';
import type { Network } from './network.ts';

/** Configuration D of Simonyan and Zisserman 2015: convolutions of 3x3 between poolings that halve the size. */
export const VGG16_STAGES = [
  [64, 64],
  [128, 128],
  [256, 256, 256],
  [512, 512, 512],
  [512, 512, 512],
] as const;

/**
 * VGG16 with batch normalisation and one matrix product at its end: on images of 32x32 the paper's three hidden layers
 * of 4,096 would hold nine tenths of all weights and do nothing for the accuracy.
 */
export const vgg16: Network = ({ classes, size, seed }) => {
  const net = new NetworkBuilder('vgg16', seed);
  let value = net.input(size);
  let channels = 3;
  VGG16_STAGES.forEach((widths, stage) => {
    widths.forEach((width, i) => {
      value = net.relu(net.conv(`conv${stage + 1}_${i + 1}`, value, channels, width));
      channels = width;
    });
    value = net.maxPool(value, 2, 0);
  });
  return net.classifier(value, channels, classes);
};
