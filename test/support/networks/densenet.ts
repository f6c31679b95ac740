import { ints } from '../../../onnx/attributes.ts';
import type { Model } from '../../../onnx/graph.ts';
import { type Dialect, Network } from './network.ts';

/** Huang 2017, with normalisation before each convolution, where nothing can absorb it. */
export function densenet(dialect: Partial<Dialect> = {}): Model {
  const net = new Network('densenet', dialect);
  const growth = 12;
  const before = (x: string, to: number, kernel: number): string =>
    net.conv(net.activation(net.norm(x), 'relu'), to, { kernel });
  let x = net.maxPool(net.unit(net.input(), 24, 'relu', { stride: 1 }), 3, 2, 1);
  for (const [stage, layers] of [3, 4, 3].entries()) {
    if (stage > 0) {
      const half = before(x, net.channels(x) / 2, 1);
      x = net.node('AveragePool', [half], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) });
    }
    for (let layer = 0; layer < layers; layer++) x = net.concat(x, before(before(x, 4 * growth, 1), growth, 3));
  }
  return net.classify(net.activation(net.norm(x), 'relu'));
}
