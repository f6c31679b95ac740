import type { Model } from '../../../onnx/graph.ts';
import { type Dialect, Network } from './network.ts';

/** Iandola 2016: 1x1 narrow, then 1x1 and 3x3 side by side; the last convolution gives the scores. No BatchNormalization. */
export function squeezenet(dialect: Partial<Dialect> = {}): Model {
  const net = new Network('squeezenet', { norm: 'folded', ...dialect });
  const fire = (x: string, narrow: number, wide: number): string => {
    const squeezed = net.unit(x, narrow, 'relu', { kernel: 1 });
    return net.concat(net.unit(squeezed, wide, 'relu', { kernel: 1 }), net.unit(squeezed, wide, 'relu'));
  };
  let x = net.maxPool(net.unit(net.input(), 32, 'relu', { stride: 2 }), 3, 2);
  x = net.maxPool(fire(fire(x, 8, 32), 8, 32), 3, 2);
  x = fire(fire(x, 16, 64), 24, 96);
  const scores = net.pool(net.unit(x, net.dialect.classes, 'relu', { kernel: 1 }));
  return net.finish(net.node('Reshape', [scores, net.integers('flat', [-1, net.dialect.classes])]));
}
