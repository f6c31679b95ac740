import { int, ints } from '../../../onnx/attributes.ts';
import type { Model } from '../../../onnx/graph.ts';
import { float32Tensor, int64Tensor } from '../../../onnx/tensor.ts';
import { Network } from './network.ts';

/** A residual block with a 1x1 projection, then one without. */
export function residual(): Model {
  const net = new Network();
  const stem = net.relu(net.conv(net.input, 3, 8, { name: 'stem' }));
  const inner = net.relu(net.batchNorm(net.conv(stem, 8, 16, { name: 'a.conv1', stride: 2 }), 16));
  const main = net.batchNorm(net.conv(inner, 16, 16, { name: 'a.conv2' }), 16);
  const first = net.relu(net.op('Add', main, net.conv(stem, 8, 16, { name: 'a.project', kernel: 1, stride: 2 })));
  const second = net.relu(net.conv(first, 16, 16, { name: 'b.conv1' }));
  const sum = net.relu(net.op('Add', net.conv(second, 16, 16, { name: 'b.conv2' }), first));
  return net.head(sum, 16);
}

/** The CIFAR ResNets' shortcut: every second row and column, and zeros for the new channels. */
export function zeroPadded(): Model {
  const net = new Network();
  const stem = net.relu(net.conv(net.input, 3, 8, { name: 'stem' }));
  const inner = net.relu(net.conv(stem, 8, 16, { name: 'conv1', stride: 2 }));
  const main = net.conv(inner, 16, 16, { name: 'conv2' });
  const constant = (name: string, values: number[]): string => net.builder.constant(name, int64Tensor([2], values));
  const [starts, ends] = [constant('starts', [0, 0]), constant('ends', [8, 8])];
  const cut = net.op('Slice', stem, starts, ends, constant('axes', [2, 3]), constant('steps', [2, 2]));
  return net.head(net.relu(net.op('Add', main, net.padChannels(cut, 4, 4))), 16);
}

/** DenseNet: each layer reads everything before it. */
export function dense(): Model {
  const net = new Network();
  let features = net.conv(net.input, 3, 8, { name: 'stem' });
  for (let i = 0; i < 3; i++) {
    const seen = net.relu(net.batchNorm(features, 8 + 4 * i));
    features = net.concat(features, net.conv(seen, 8 + 4 * i, 4, { name: `dense${i}` }));
  }
  return net.head(net.relu(features), 20);
}

/** SqueezeNet's fire module. */
export function fire(): Model {
  const net = new Network();
  const stem = net.relu(net.conv(net.input, 3, 12, { name: 'stem' }));
  const squeeze = net.relu(net.conv(stem, 12, 4, { name: 'squeeze', kernel: 1 }));
  const narrow = net.relu(net.conv(squeeze, 4, 8, { name: 'expand1', kernel: 1 }));
  const wide = net.relu(net.conv(squeeze, 4, 8, { name: 'expand3' }));
  return net.head(net.concat(narrow, wide), 16);
}

/** MobileNetV2's inverted residual. */
export function depthwise(): Model {
  const net = new Network();
  const stem = net.op('Clip', net.conv(net.input, 3, 8, { name: 'stem' }));
  const wide = net.op('Clip', net.batchNorm(net.conv(stem, 8, 24, { name: 'expand', kernel: 1 }), 24));
  const deep = net.op('Clip', net.batchNorm(net.conv(wide, 24, 24, { name: 'depthwise', group: 24 }), 24));
  return net.head(net.op('Add', net.conv(deep, 24, 8, { name: 'project', kernel: 1 }), stem), 8);
}

/** ResNeXt's grouped bottleneck. */
export function grouped(): Model {
  const net = new Network();
  const stem = net.relu(net.conv(net.input, 3, 8, { name: 'stem' }));
  const reduce = net.relu(net.conv(stem, 8, 16, { name: 'reduce', kernel: 1 }));
  const middle = net.relu(net.conv(reduce, 16, 16, { name: 'grouped', group: 4 }));
  return net.head(net.relu(net.op('Add', net.conv(middle, 16, 8, { name: 'widen', kernel: 1 }), stem)), 8);
}

/** VGG: 2x2 pixels a channel go into the first matrix product. */
export function flattened(reshape = false): Model {
  const net = new Network();
  const first = net.relu(net.conv(net.input, 3, 8, { name: 'conv1', stride: 2 }));
  const second = net.relu(net.conv(first, 8, 12, { name: 'conv2', stride: 2 }));
  const flat = reshape
    ? net.op('Reshape', second, net.builder.constant('shape', int64Tensor([2], [-1, 48])))
    : net.op('Flatten', second);
  const hidden = net.relu(net.gemm(flat, 48, 16, 'hidden'));
  return net.finish(net.gemm(hidden, 16, 5, 'head'), 5);
}

/** Squeeze-and-excite, with the mean either by pooling or by ReduceMean. */
export function squeezeExcite(gate = 'Sigmoid'): Model {
  const net = new Network();
  const x = net.relu(net.conv(net.input, 3, 16, { name: 'conv1' }));
  const [mean] = net.builder.node('ReduceMean', [x], { axes: ints([2, 3]), keepdims: int(1) });
  const squeezed = net.relu(net.conv(mean, 16, 8, { name: 'reduce', kernel: 1 }));
  const gates = net.op(gate, net.conv(squeezed, 8, 16, { name: 'widen', kernel: 1 }));
  return net.head(net.relu(net.conv(net.op('Mul', x, gates), 16, 12, { name: 'conv2' })), 12);
}

/** ShuffleNetV2's unit: half of the channels pass, the halves are shuffled. */
export function shuffle(): Model {
  const net = new Network();
  const stem = net.relu(net.conv(net.input, 3, 16, { name: 'stem' }));
  const sizes = net.builder.constant('sizes', int64Tensor([2], [8, 8]));
  const [kept = '', worked = ''] = net.builder.node(
    'Split',
    [stem, sizes],
    { axis: int(1) },
    { outputs: ['kept', 'worked'] },
  );
  const first = net.relu(net.conv(worked, 8, 8, { name: 'branch1', kernel: 1 }));
  const deep = net.conv(first, 8, 8, { name: 'depthwise', group: 8 });
  const last = net.relu(net.conv(deep, 8, 8, { name: 'branch2', kernel: 1 }));
  const shape = (name: string, values: number[]): string =>
    net.builder.constant(name, int64Tensor([values.length], values));
  const apart = net.op('Reshape', net.concat(kept, last), shape('apart', [-1, 2, 8, 8, 8]));
  const [turned] = net.builder.node('Transpose', [apart], { perm: ints([0, 2, 1, 3, 4]) });
  return net.head(net.op('Reshape', turned, shape('together', [-1, 16, 8, 8])), 16);
}

/** An operator that no rule knows, between two convolutions. */
export function unknownOperator(): Model {
  const net = new Network();
  const x = net.conv(net.input, 3, 8, { name: 'conv1' });
  const [normal] = net.builder.node('LRN', [x], { size: int(3) });
  const y = net.relu(net.conv(normal, 8, 8, { name: 'conv2' }));
  return net.head(net.relu(net.conv(y, 8, 8, { name: 'conv3' })), 8);
}

/** Two convolutions share one filter. */
export function sharedWeights(): Model {
  const net = new Network();
  const stem = net.relu(net.conv(net.input, 3, 8, { name: 'stem' }));
  const weight = net.weight('shared', [8, 8, 3, 3]);
  const pads = { pads: ints([1, 1, 1, 1]) };
  const [once] = net.builder.node('Conv', [stem, weight], pads);
  const [twice] = net.builder.node('Conv', [net.relu(once), weight], pads);
  return net.head(net.relu(net.conv(net.relu(twice), 8, 8, { name: 'last' })), 8);
}

/** GhostNet's module: cheap channels made from others, and a cut to the count wanted that cuts nothing, or the last. */
export function ghost(wanted: number): Model {
  const net = new Network();
  const stem = net.relu(net.conv(net.input, 3, 8, { name: 'stem' }));
  const primary = net.relu(net.conv(stem, 8, 12, { name: 'primary', kernel: 1 }));
  const cheap = net.relu(net.conv(primary, 12, 12, { name: 'cheap', group: 12 }));
  const counts = (name: string, value: number): string => net.builder.constant(name, int64Tensor([1], [value]));
  const both = net.concat(primary, cheap);
  const cut = net.op('Slice', both, counts('from', 0), counts('to', wanted), counts('along', 1), counts('step', 1));
  return net.head(net.relu(net.conv(cut, Math.min(24, wanted), 10, { name: 'last' })), 10);
}

/** Channels last between two convolutions, as converters from TensorFlow leave them. */
export function channelsLast(): Model {
  const net = new Network();
  const turned = (x: string, perm: number[]): string => net.builder.node('Transpose', [x], { perm: ints(perm) })[0];
  const first = turned(net.conv(net.input, 3, 16, { name: 'conv1' }), [0, 2, 3, 1]);
  const scaled = net.op('Mul', net.relu(first), net.weight('scale', [16]));
  const again = net.conv(turned(scaled, [0, 3, 1, 2]), 16, 12, { name: 'conv2' });
  const last = turned(net.relu(again), [0, 2, 3, 1]);
  const [mean] = net.builder.node('ReduceMean', [last], { axes: ints([1, 2]), keepdims: int(0) });
  return net.finish(net.gemm(mean, 12, 5, 'head'), 5);
}

/** Blocks of a vision transformer without its attention: patches as tokens, GELU spelled out, the sum of both. */
export function tokens(batch: number | 'N' = 'N'): Model {
  const net = new Network(1, batch);
  const patches = net.conv(net.input, 3, 12, { name: 'patches' });
  const rows = net.op('Reshape', patches, net.builder.constant('rows', int64Tensor([3], [0, 12, 64])));
  let [x = ''] = net.builder.node('Transpose', [rows], { perm: ints([0, 2, 1]) });
  const number = (name: string, value: number): string =>
    net.builder.constant(name, float32Tensor([], Float32Array.of(value)));
  const product = (from: string, inputs: number, outputs: number, name: string): string =>
    net.op(
      'Add',
      net.weight(`${name}.bias`, [outputs]),
      net.op('MatMul', from, net.weight(`${name}.weight`, [inputs, outputs])),
    );
  for (const block of ['a', 'b']) {
    const [normal] = net.builder.node('Softmax', [x], { axis: int(-1) });
    const hidden = product(normal, 12, 24, `${block}.up`);
    const gate = net.op('Add', net.op('Erf', net.op('Div', hidden, number('root', Math.SQRT2))), number('one', 1));
    const gelu = net.op('Mul', net.op('Mul', hidden, gate), number('half', 0.5));
    x = net.op('Add', x, product(gelu, 24, 12, `${block}.down`));
  }
  const [mean] = net.builder.node('ReduceMean', [x], { axes: ints([1]), keepdims: int(0) });
  return net.finish(net.gemm(mean, 12, 5, 'head'), 5);
}

/** Channels in another order, some left out, and a gate of one channel for all. */
export function picked(): Model {
  const net = new Network();
  const x = net.relu(net.conv(net.input, 3, 12, { name: 'conv1' }));
  const places = net.builder.constant('places', int64Tensor([9], [11, 2, 3, -2, 5, 0, 7, 8, 4]));
  const [some] = net.builder.node('Gather', [x, places], { axis: int(1) });
  const gate = net.op('Sigmoid', net.conv(some, 9, 1, { name: 'gate' }));
  return net.head(net.relu(net.conv(net.op('Mul', gate, some), 9, 8, { name: 'conv2' })), 8);
}

/** Parts of equal size that the file does not number, with a normalisation a channel and an image. */
export function parts(): Model {
  const net = new Network();
  const x = net.conv(net.input, 3, 18, { name: 'conv1' });
  const normal = net.op('InstanceNormalization', x, net.weight('gain', [18]), net.weight('shift', [18]));
  const [a = '', b = '', c = ''] = net.builder.node('Split', [normal], { axis: int(1) }, { outputs: ['a', 'b', 'c'] });
  const sum = net.op('Add', net.op('Add', a, net.relu(b)), c);
  return net.head(net.relu(net.conv(sum, 6, 8, { name: 'conv2' })), 8);
}

export const STRUCTURES: Readonly<Record<string, () => Model>> = {
  'residual adds with and without projection': residual,
  'a zero-padded shortcut': zeroPadded,
  'dense concatenation': dense,
  'a fire module': fire,
  'a depthwise bottleneck': depthwise,
  'a grouped bottleneck': grouped,
  'flatten with several pixels a channel': flattened,
  'a reshape that flattens': () => flattened(true),
  'squeeze and excite': squeezeExcite,
  'squeeze and excite with hard gates': () => squeezeExcite('HardSigmoid'),
  'split and shuffle': shuffle,
  'an unknown operator': unknownOperator,
  'shared weights': sharedWeights,
  'a slice of all channels': () => ghost(24),
  'a slice of all channels and more': () => ghost(1000),
  'a slice that leaves the last channels out': () => ghost(23),
  'channels last between two convolutions': channelsLast,
  'hidden units behind tokens': tokens,
  'hidden units behind tokens of a fixed batch': () => tokens(2),
  'channels picked by place, and a gate of one channel': picked,
  'equal parts': parts,
};
