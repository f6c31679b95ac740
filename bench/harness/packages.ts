import { join } from 'node:path';
import { type CompressReport, waysideCompress } from './process/child.ts';
import type { Workplace } from './workplace.ts';

const CALIBRATION = 128;

/** SqueezeNet 1.0 compressed for the 500 photographs of the test data. The published network takes Caffe's pixels. */
export function compressSqueezenet(place: Workplace, out: string, ...more: string[]): Promise<CompressReport> {
  const { data, scratch } = place;
  const model = join(data, 'models', 'squeezenet', 'squeezenet_v1.0_deepcompression_fp32.onnx');
  const photographs = `images:${join(data, 'imagenet-sample')}`;
  const settings = ['--normalize', 'caffe', '--calibration', String(CALIBRATION)];
  return waysideCompress([model, '--data', photographs, ...settings, '--out', join(scratch, out), ...more], place);
}

/** Folder of SqueezeNet as an int8 package. */
export async function squeezenetPackage(place: Workplace): Promise<string> {
  place.say('compressing SqueezeNet to int8');
  return (await compressSqueezenet(place, 'squeezenet')).package;
}
