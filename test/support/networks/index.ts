import { buildVgg16 } from '../../../bench/networks/vgg16.ts';
import type { Model } from '../../../onnx/graph.ts';
import { densenet } from './densenet.ts';
import { efficientnet0, efficientnetLite } from './efficientnet.ts';
import { mobilenetV1, mobilenetV2, mobilenetV3 } from './mobilenet.ts';
import { regnetX, regnetY } from './regnet.ts';
import { resnet18, resnet34, resnet50, resnext50 } from './resnet.ts';
import { shufflenetV2 } from './shufflenet.ts';
import { squeezenet } from './squeezenet.ts';
import { vit } from './vit.ts';

/** One network a family of classifiers, narrow and for small images, with random weights. */
export const FAMILIES: Readonly<Record<string, () => Model>> = {
  ResNet18: () => resnet18({ size: 64 }),
  ResNet34: () => resnet34({ size: 64 }),
  ResNet50: () => resnet50({ size: 64 }),
  ResNeXt50: () => resnext50({ size: 64 }),
  VGG16: () => buildVgg16(1, 1 / 8),
  'MobileNet V1': () => mobilenetV1({ size: 64 }),
  'MobileNet V2': () => mobilenetV2({ size: 64 }),
  'MobileNet V3': () => mobilenetV3({ size: 64 }),
  'MobileNet V3, opset 17': () => mobilenetV3({ size: 64, opset: 17 }),
  'ShuffleNet V2': () => shufflenetV2({ size: 64 }),
  SqueezeNet: () => squeezenet({ size: 64 }),
  DenseNet: () => densenet(),
  'EfficientNet-Lite': () => efficientnetLite({ size: 64 }),
  'EfficientNet-B0': () => efficientnet0({ size: 64 }),
  'RegNet X': () => regnetX({ size: 64 }),
  'RegNet Y': () => regnetY({ size: 64 }),
  'ViT-Tiny': () => vit(),
  'ViT-Tiny, opset 13': () => vit({ opset: 13 }),
};
