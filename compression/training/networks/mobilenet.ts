import { NetworkBuilder } from './layers.ts';
import { isPhotograph, type Network } from './network.ts';

/** Expansion, channels, blocks, stride of the first (Sandler 2018, table 2). */
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

interface Block {
  readonly from: number;
  readonly to: number;
  readonly expansion: number;
  readonly stride: number;
}

/** Inverted residual: widen by 1x1, filter each channel by 3x3, narrow by 1x1 without an activation. */
function block(net: NetworkBuilder, name: string, value: string, { from, to, expansion, stride }: Block): string {
  const hidden = from * expansion;
  const wide = expansion === 1 ? value : net.relu6(net.conv(`${name}.widen`, value, from, hidden, { kernel: 1 }));
  const filtered = net.relu6(net.conv(`${name}.filter`, wide, hidden, hidden, { stride, groups: hidden }));
  const narrow = net.conv(`${name}.narrow`, filtered, hidden, to, { kernel: 1 });
  return stride === 1 && from === to ? net.add(narrow, value) : narrow;
}

/** MobileNetV2 of width 1. Small images keep their size through the stem and the first two stages: 32x32 ends at 4x4. */
export const mobilenetv2: Network = ({ classes, size, seed }) => {
  const net = new NetworkBuilder('mobilenetv2', seed);
  const photograph = isPhotograph(size);
  let value = net.relu6(net.conv('stem', net.input(size), 3, 32, { stride: photograph ? 2 : 1 }));
  let channels = 32;
  STAGES.forEach(([expansion, to, blocks, first], stage) => {
    for (let i = 0; i < blocks; i++) {
      const shrinks = i === 0 && (photograph || stage > 1);
      const stride = shrinks ? first : 1;
      value = block(net, `stage${stage + 1}.${i}`, value, { from: channels, to, expansion, stride });
      channels = to;
    }
  });
  const wide = net.relu6(net.conv('last', value, channels, 1280, { kernel: 1 }));
  return net.classifier(wide, 1280, classes);
};
