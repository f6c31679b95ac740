import { ints } from '../../../onnx/attributes.ts';
import type { Model } from '../../../onnx/graph.ts';
import { type Dialect, Network } from './network.ts';

/** Two groups of channels dealt out in turn: Reshape to `[N, 2, C / 2, H, W]`, Transpose, Reshape back. */
function shuffle(net: Network, x: string, side: number): string {
  const channels = net.channels(x);
  const apart = net.node('Reshape', [x, net.integers('apart', [-1, 2, channels / 2, side, side])], {}, channels);
  const dealt = net.node('Transpose', [apart], { perm: ints([0, 2, 1, 3, 4]) });
  return net.node('Reshape', [dealt, net.integers('together', [-1, channels, side, side])]);
}

function right(net: Network, x: string, to: number, stride: number): string {
  const wide = net.unit(x, to, 'relu', { kernel: 1 });
  return net.unit(net.unit(wide, to, 'none', { stride, groups: to }), to, 'relu', { kernel: 1 });
}

/** Ma 2018: half of the channels pass by, the other half is convolved, then both are shuffled. */
export function shufflenetV2(dialect: Partial<Dialect> = {}): Model {
  const net = new Network('shufflenet-v2', dialect);
  let x = net.maxPool(net.unit(net.input(), 16, 'relu'), 3, 2, 1);
  let side = net.dialect.size / 2;
  for (const width of [32, 64, 128]) {
    side /= 2;
    const half = width / 2;
    const left = net.unit(net.unit(x, net.channels(x), 'none', { stride: 2, groups: net.channels(x) }), half, 'relu', {
      kernel: 1,
    });
    x = shuffle(net, net.concat(left, right(net, x, half, 2)), side);
    for (let block = 0; block < 2; block++) {
      const [passed = '', convolved = ''] = net.split(x, 2);
      x = shuffle(net, net.concat(passed, right(net, convolved, half, 1)), side);
    }
  }
  return net.classify(net.unit(x, 128, 'relu', { kernel: 1 }));
}
