import { join } from 'node:path';
import { openDataset } from '../../../calibration/datasets/open.ts';
import { defaultPreprocessing } from '../../../inference/default-preprocessing.ts';
import { parseNormalization } from '../../../inference/normalization.ts';
import type { Preprocessing } from '../../../inference/preprocess.ts';
import { writeCalibrationImages, writeImageList } from '../calibration-images.ts';
import { cifar10Folder } from '../data.ts';
import type { Workplace } from '../workplace.ts';

const SEED = 1;

/** A float model that Wayside and its peers quantize, and the images for it. */
export interface PeerNetwork {
  readonly name: string;
  /** Float ONNX file. */
  readonly model: string;
  /** As for `--data`. */
  readonly data: string;
  readonly normalize: string;
  readonly preprocessing: Preprocessing;
  /** Images to calibrate on, drawn by `seed`. */
  readonly samples: number;
  readonly seed: number;
}

/** ResNet20 and ResNet56 on CIFAR-10, SqueezeNet on photographs. */
export async function peerNetworks(place: Workplace): Promise<readonly [PeerNetwork, PeerNetwork, PeerNetwork]> {
  const network = (name: string, file: string, data: string, normalize: string, size: number, samples: number) => ({
    name,
    model: join(place.data, 'models', file),
    data,
    normalize,
    preprocessing: defaultPreprocessing(['N', 3, size, size], { normalize: parseNormalization(normalize) }),
    samples,
    seed: SEED,
  });
  const cifar = `cifar10:${await cifar10Folder(place)}`;
  const photographs = `images:${join(place.data, 'imagenet-sample')}`;
  return [
    network('ResNet20', 'resnet-cifar10/resnet20-cifar10.onnx', cifar, 'imagenet', 32, 512),
    network('ResNet56', 'resnet-cifar10/resnet56-cifar10.onnx', cifar, 'imagenet', 32, 512),
    network('SqueezeNet', 'squeezenet/squeezenet_v1.0_deepcompression_fp32.onnx', photographs, 'caffe', 227, 128),
  ];
}

/**
 * The very pictures that Wayside calibrates on, for `bench/peers/pictures.py`: ready tensors of CIFAR-10, which has no picture
 * files, or a list of files that the peer decodes and preprocesses as Wayside does.
 *
 * @returns the path of the file
 */
export async function handImages(
  { name, data, preprocessing, samples, seed }: PeerNetwork,
  { scratch }: Workplace,
): Promise<string> {
  const train = await openDataset(data, 'train');
  const root = data.startsWith('images:') ? data.slice('images:'.length) : undefined;
  const path = join(scratch, `${name}.${root === undefined ? 'npy' : 'json'}`);
  if (root === undefined) await writeCalibrationImages(path, train, preprocessing, { samples, seed });
  else await writeImageList(path, root, train, preprocessing, { samples, seed });
  return path;
}
