import type { Model } from '../../../onnx/graph.ts';
import { type Dialect, Network } from './network.ts';

interface Shape {
  readonly blocks: readonly number[];
  /** Width of the first stage; it doubles with each. */
  readonly width: number;
  /** 1x1, 3x3, 1x1 with four times the width (ResNet50), or 3x3, 3x3. */
  readonly bottleneck?: boolean;
  /** Of the 3x3 convolutions (ResNeXt). @default 1 */
  readonly groups?: number;
}

/** He 2016, table 1; Xie 2017 with groups. The stem is that of 224x224: 7x7 with stride 2 and a pooling. */
function resnet(
  name: string,
  { blocks, width, bottleneck = false, groups = 1 }: Shape,
  dialect: Partial<Dialect>,
): Model {
  const net = new Network(name, dialect);
  let x = net.maxPool(net.unit(net.input(), width, 'relu', { kernel: 7, stride: 2 }), 3, 2, 1);
  for (const [stage, count] of blocks.entries()) {
    const inner = width * 2 ** stage;
    const outer = bottleneck ? 4 * inner : inner;
    for (let block = 0; block < count; block++) {
      const stride = stage > 0 && block === 0 ? 2 : 1;
      const changes = stride !== 1 || net.channels(x) !== outer;
      const shortcut = changes ? net.unit(x, outer, 'none', { kernel: 1, stride }) : x;
      let y = x;
      if (bottleneck) {
        y = net.unit(net.unit(y, inner, 'relu', { kernel: 1 }), inner, 'relu', { stride, groups });
        y = net.unit(y, outer, 'none', { kernel: 1 });
      } else {
        y = net.unit(net.unit(y, inner, 'relu', { stride }), inner, 'none');
      }
      x = net.activation(net.add(y, shortcut), 'relu');
    }
  }
  return net.classify(x);
}

export const resnet18 = (dialect: Partial<Dialect> = {}): Model =>
  resnet('resnet18', { blocks: [2, 2, 2, 2], width: 16 }, dialect);
export const resnet34 = (dialect: Partial<Dialect> = {}): Model =>
  resnet('resnet34', { blocks: [3, 4, 6, 3], width: 16 }, dialect);
export const resnet50 = (dialect: Partial<Dialect> = {}): Model =>
  resnet('resnet50', { blocks: [3, 4, 6, 3], width: 16, bottleneck: true }, dialect);
export const resnext50 = (dialect: Partial<Dialect> = {}): Model =>
  resnet('resnext50', { blocks: [3, 4, 6, 3], width: 16, bottleneck: true, groups: 4 }, dialect);
