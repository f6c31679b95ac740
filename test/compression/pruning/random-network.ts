import { seededRandom } from '../../../core/random.ts';
import type { Model } from '../../../onnx/graph.ts';
import { Network } from './network.ts';

interface Value {
  readonly name: string;
  readonly channels: number;
}

/** A random network of convolutions of every kind, sums, gates and concatenations over values of one image size. */
export function randomNetwork(seed: number): Model {
  const random = seededRandom(seed);
  const net = new Network(seed);
  const values: Value[] = [{ name: net.conv(net.input, 3, 8, { name: 'stem' }), channels: 8 }];
  const any = (): Value => values[random.below(values.length)]!;
  const steps: ((x: Value, i: number) => Value | undefined)[] = [
    (x, i) => ({ name: net.conv(x.name, x.channels, 8, { name: `dense${i}` }), channels: 8 }),
    (x, i) => ({ name: net.conv(x.name, x.channels, 12, { name: `point${i}`, kernel: 1 }), channels: 12 }),
    (x, i) => ({ ...x, name: net.conv(x.name, x.channels, x.channels, { name: `depth${i}`, group: x.channels }) }),
    (x, i) => ({ name: net.conv(x.name, x.channels, 8, { name: `grouped${i}`, group: 4 }), channels: 8 }),
    (x) => ({ ...x, name: net.relu(x.name) }),
    (x) => ({ ...x, name: net.batchNorm(x.name, x.channels) }),
    (x) => {
      const other = values.find(({ name, channels }) => channels === x.channels && name !== x.name);
      return other && { ...x, name: net.op(random.next() < 0.5 ? 'Add' : 'Mul', x.name, other.name) };
    },
    (x) => {
      const other = any();
      return { name: net.concat(x.name, other.name), channels: x.channels + other.channels };
    },
    (x) => ({ name: net.padChannels(x.name, 2, 2), channels: x.channels + 4 }),
    (x) => ({ ...x, name: net.op('Mul', x.name, net.op('Sigmoid', net.op('GlobalAveragePool', x.name))) }),
  ];
  for (let i = 0; i < 8; i++) {
    const made = steps[random.below(steps.length)]!(any(), i);
    if (made !== undefined && made.channels <= 32) values.push(made);
  }
  const last = values.at(-1)!;
  return net.head(net.relu(last.name), last.channels);
}
