import type { Model } from '../../../onnx/graph.ts';
import { type Activation, type Dialect, Network } from './network.ts';

/** Howard 2017: depthwise 3x3, then 1x1. */
export function mobilenetV1(dialect: Partial<Dialect> = {}): Model {
  const net = new Network('mobilenet-v1', dialect);
  let x = net.unit(net.input(), 8, 'relu6', { stride: 2 });
  const widths: readonly [number, number][] = [
    [16, 1],
    [32, 2],
    [32, 1],
    [64, 2],
    [64, 1],
    [128, 2],
    [128, 1],
  ];
  for (const [to, stride] of widths) {
    x = net.unit(x, net.channels(x), 'relu6', { stride, groups: net.channels(x) });
    x = net.unit(x, to, 'relu6', { kernel: 1 });
  }
  return net.classify(x);
}

interface Inverted {
  readonly expanded: number;
  readonly to: number;
  readonly kernel?: number;
  readonly stride: number;
  readonly activation: Activation;
  /** Channels of the squeeze-and-excitation; none without. */
  readonly squeezed?: number;
}

/** The inverted residual of Sandler 2018 and its successors: 1x1 wide, depthwise, 1x1 narrow, the sum where shapes agree. */
export function inverted(
  net: Network,
  x: string,
  { expanded, to, kernel = 3, stride, activation, squeezed }: Inverted,
  gate: Activation = 'hardsigmoid',
  inner: Activation = 'relu',
): string {
  let y = expanded === net.channels(x) ? x : net.unit(x, expanded, activation, { kernel: 1 });
  y = net.unit(y, expanded, activation, { kernel, stride, groups: expanded });
  if (squeezed !== undefined) y = net.excite(y, squeezed, gate, inner);
  y = net.unit(y, to, 'none', { kernel: 1 });
  return stride === 1 && net.channels(x) === to ? net.add(x, y) : y;
}

export function mobilenetV2(dialect: Partial<Dialect> = {}): Model {
  const net = new Network('mobilenet-v2', dialect);
  let x = net.unit(net.input(), 16, 'relu6', { stride: 2 });
  const stages: readonly [number, number, number, number][] = [
    [1, 8, 1, 1],
    [6, 12, 2, 2],
    [6, 16, 3, 2],
    [6, 32, 2, 2],
    [6, 48, 2, 1],
  ];
  for (const [expansion, to, count, first] of stages) {
    for (let block = 0; block < count; block++) {
      const stride = block === 0 ? first : 1;
      x = inverted(net, x, { expanded: expansion * net.channels(x), to, stride, activation: 'relu6' });
    }
  }
  return net.classify(net.unit(x, 160, 'relu6', { kernel: 1 }));
}

/** Howard 2019, the small one. */
export function mobilenetV3(dialect: Partial<Dialect> = {}): Model {
  const net = new Network('mobilenet-v3', dialect);
  let x = net.unit(net.input(), 16, 'hardswish', { stride: 2 });
  const blocks: readonly Inverted[] = [
    { expanded: 16, to: 16, stride: 2, activation: 'relu', squeezed: 8 },
    { expanded: 48, to: 24, stride: 2, activation: 'relu' },
    { expanded: 56, to: 24, stride: 1, activation: 'relu' },
    { expanded: 64, to: 32, kernel: 5, stride: 2, activation: 'hardswish', squeezed: 16 },
    { expanded: 96, to: 32, kernel: 5, stride: 1, activation: 'hardswish', squeezed: 24 },
  ];
  for (const block of blocks) x = inverted(net, x, block);
  x = net.pool(net.unit(x, 128, 'hardswish', { kernel: 1 }));
  return net.classify(net.activation(net.conv(x, 160, { kernel: 1 }), 'hardswish'));
}
