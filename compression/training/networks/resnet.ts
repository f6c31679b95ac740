import { NetworkBuilder } from './layers.ts';
import { isPhotograph, type Network, type Stem } from './network.ts';

/**
 * A basic block (He 2016, figure 2): two 3x3 convolutions and a shortcut. Where the shape changes the shortcut is a 1x1
 * convolution (option B of the paper): a Pad of channels (option A) has no int8 kernel in ONNX Runtime.
 */
function block(net: NetworkBuilder, name: string, value: string, from: number, to: number, stride: number): string {
  const first = net.relu(net.conv(`${name}.conv1`, value, from, to, { stride }));
  const second = net.conv(`${name}.conv2`, first, to, to);
  const same = stride === 1 && from === to;
  const shortcut = same ? value : net.conv(`${name}.shortcut`, value, from, to, { kernel: 1, stride });
  return net.relu(net.add(second, shortcut));
}

/** Stages of basic blocks; every stage but the first halves the size. */
function stages(
  net: NetworkBuilder,
  value: string,
  from: number,
  plan: readonly (readonly [number, number])[],
): string {
  let current = value;
  let channels = from;
  plan.forEach(([width, blocks], stage) => {
    for (let i = 0; i < blocks; i++) {
      const stride = stage > 0 && i === 0 ? 2 : 1;
      current = block(net, `stage${stage + 1}.${i}`, current, channels, width, stride);
      channels = width;
    }
  });
  return current;
}

/** ResNet of 6n+2 layers for small images (He 2016, section 4.2): 16, 32 and 64 channels. */
export const smallResNet =
  (depth: number): Network =>
  ({ classes, size, seed }) => {
    const net = new NetworkBuilder(`resnet${depth}`, seed);
    const blocks = (depth - 2) / 6;
    const stem = net.relu(net.conv('stem', net.input(size), 3, 16));
    const last = stages(net, stem, 16, [
      [16, blocks],
      [32, blocks],
      [64, blocks],
    ]);
    return net.classifier(last, 64, classes);
  };

const enter: Readonly<Record<Stem, (net: NetworkBuilder, image: string) => string>> = {
  '3x3': (net, image) => net.relu(net.conv('stem', image, 3, 64)),
  '3x3/2': (net, image) => net.relu(net.conv('stem', image, 3, 64, { stride: 2 })),
  '7x7/4': (net, image) => net.maxPool(net.relu(net.conv('stem', image, 3, 64, { kernel: 7, stride: 2 })), 3, 1),
};

/**
 * ResNet34 (He 2016, table 1): 3, 4, 6, 3 blocks of 64 to 512 channels. Unless a stem is asked for, photographs enter through
 * 7x7 of stride 2 and a pooling, small images through one 3x3.
 */
export const resnet34: Network = ({ classes, size, seed, stem = isPhotograph(size) ? '7x7/4' : '3x3' }) => {
  const net = new NetworkBuilder('resnet34', seed);
  const entered = enter[stem](net, net.input(size));
  const last = stages(net, entered, 64, [
    [64, 3],
    [128, 4],
    [256, 6],
    [512, 3],
  ]);
  return net.classifier(last, 512, classes);
};
