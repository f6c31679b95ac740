import type { Model } from '../../../onnx/graph.ts';
import { type Dialect, Network } from './network.ts';

/** Radosavovic 2020: bottlenecks of equal width with grouped convolutions; Y adds squeeze-and-excitation. */
function regnet(name: string, excited: boolean, dialect: Partial<Dialect>): Model {
  const net = new Network(name, dialect);
  let x = net.unit(net.input(), 16, 'relu', { stride: 2 });
  for (const [width, count] of [
    [24, 1],
    [48, 2],
    [96, 3],
  ] as const) {
    for (let block = 0; block < count; block++) {
      const stride = block === 0 ? 2 : 1;
      const from = net.channels(x);
      let y = net.unit(net.unit(x, width, 'relu', { kernel: 1 }), width, 'relu', { stride, groups: width / 8 });
      if (excited) y = net.excite(y, Math.max(4, from / 4));
      y = net.unit(y, width, 'none', { kernel: 1 });
      const shortcut = stride === 1 ? x : net.unit(x, width, 'none', { kernel: 1, stride });
      x = net.activation(net.add(y, shortcut), 'relu');
    }
  }
  return net.classify(x);
}

export const regnetX = (dialect: Partial<Dialect> = {}): Model => regnet('regnet-x', false, dialect);
export const regnetY = (dialect: Partial<Dialect> = {}): Model => regnet('regnet-y', true, dialect);
