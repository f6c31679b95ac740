import type { Model } from '../../../onnx/graph.ts';
import { inverted } from './mobilenet.ts';
import { type Dialect, Network } from './network.ts';

/** Expansion, channels, blocks, stride, kernel: the shape of Tan 2019's table 1. */
const STAGES: readonly [number, number, number, number, number][] = [
  [1, 8, 1, 1, 3],
  [6, 12, 2, 2, 3],
  [6, 16, 2, 2, 5],
  [6, 32, 2, 2, 3],
  [6, 48, 1, 1, 5],
];

function efficientnet(name: string, lite: boolean, dialect: Partial<Dialect>): Model {
  const net = new Network(name, dialect);
  const activation = lite ? 'relu6' : 'silu';
  let x = net.unit(net.input(), 16, activation, { stride: 2 });
  for (const [expansion, to, count, first, kernel] of STAGES) {
    for (let block = 0; block < count; block++) {
      const from = net.channels(x);
      const squeezed = lite ? {} : { squeezed: Math.max(4, from / 4) };
      const shape = {
        expanded: expansion * from,
        to,
        kernel,
        stride: block === 0 ? first : 1,
        activation,
        ...squeezed,
      } as const;
      x = inverted(net, x, shape, 'sigmoid', 'silu');
    }
  }
  return net.classify(net.unit(x, 160, activation, { kernel: 1 }));
}

/** Without squeeze-and-excitation, with ReLU6: the version for integer hardware. */
export const efficientnetLite = (dialect: Partial<Dialect> = {}): Model =>
  efficientnet('efficientnet-lite', true, dialect);
export const efficientnet0 = (dialect: Partial<Dialect> = {}): Model => efficientnet('efficientnet-b0', false, dialect);
