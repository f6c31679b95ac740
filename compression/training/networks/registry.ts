import { WaysideError } from '../../../core/errors.ts';
import type { Model } from '../../../onnx/graph.ts';
import { mobilenetv2 } from './mobilenet.ts';
import type { Network, NetworkOptions } from './network.ts';
import { resnet34, smallResNet } from './resnet.ts';
import { signNet } from './sign-net.ts';
import { vgg16 } from './vgg.ts';

/** Architectures by the name the command line takes. */
export const NETWORKS: Readonly<Record<string, Network>> = {
  resnet20: smallResNet(20),
  resnet34,
  resnet56: smallResNet(56),
  vgg16,
  mobilenetv2,
  signnet: signNet,
};

/** @throws {WaysideError} USAGE for a name that no architecture has */
export function buildNetwork(name: string, options: NetworkOptions): Model {
  const network = Object.hasOwn(NETWORKS, name) ? NETWORKS[name] : undefined;
  if (options.stem !== undefined && network !== undefined && network !== resnet34) {
    throw new WaysideError('USAGE', {
      message: `${name} has one stem only`,
      hint: 'leave --stem out, or train resnet34',
    });
  }
  if (network !== undefined) return network(options);
  throw new WaysideError('USAGE', {
    message: `no architecture is called ${name}`,
    hint: `there are ${Object.keys(NETWORKS).join(', ')}`,
  });
}
