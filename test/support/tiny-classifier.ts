import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { int } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import type { Model } from '../../onnx/graph.ts';
import { float32Tensor } from '../../onnx/tensor.ts';

/** Classes of the tiny classifier: the strongest of red, green and blue. */
export const COLOURS = ['red', 'green', 'blue'] as const;

/**
 * A classifier of 32x32 images small enough to check by hand: a 1x1 convolution that passes each colour on, the mean over
 * the image, and a layer that answers with the strongest colour.
 */
export function colourClassifier(): Model {
  const builder = new GraphBuilder('colours');
  const identity = Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
  const image = builder.input('image', 'float32', ['N', 3, 32, 32]);
  const filter = builder.constant('filter', float32Tensor([3, 3, 1, 1], identity));
  const weight = builder.constant('weight', float32Tensor([3, 3], identity));
  const bias = builder.constant('bias', float32Tensor([3], Float32Array.of(0, 0, 0)));
  const [passed = ''] = builder.node('Conv', [image, filter]);
  const [positive = ''] = builder.node('Relu', [passed]);
  const [mean = ''] = builder.node('GlobalAveragePool', [positive]);
  const [flat = ''] = builder.node('Flatten', [mean]);
  const [scores = ''] = builder.node('Gemm', [flat, weight, bias], { transB: int(1) }, { outputs: ['scores'] });
  builder.output(scores, 'float32', ['N', 3]);
  return builder.build({ opset: 13, irVersion: 8 });
}

/** A CIFAR-10 record: label, then 1,024 bytes each of red, green and blue. */
function record(label: number, [red, green, blue]: readonly [number, number, number]): Uint8Array {
  const bytes = new Uint8Array(3073);
  bytes[0] = label;
  bytes.fill(red, 1, 1025).fill(green, 1025, 2049).fill(blue, 2049);
  return bytes;
}

/**
 * Writes a data set in CIFAR-10's binary layout of plain coloured images: `labels[i]` is what image i is said to be, its true colour
 * goes round red, green, blue.
 */
export async function writeColours(folder: string, labels: readonly number[]): Promise<string> {
  await mkdir(folder, { recursive: true });
  const images = labels.map((label, i) => {
    const strong = 140 + ((i * 37) % 100);
    const colour = [0, 1, 2].map((channel) => (channel === i % 3 ? strong : (i * 13) % 90));
    return record(label, [colour[0] ?? 0, colour[1] ?? 0, colour[2] ?? 0]);
  });
  for (const name of ['data_batch_1.bin', 'test_batch.bin']) await writeFile(join(folder, name), Buffer.concat(images));
  return folder;
}
