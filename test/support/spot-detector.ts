import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { COCO_CLASSES, HEADS } from '../../inference/heads/head.ts';
import { writePackage } from '../../inference/package.ts';
import type { ModelPackage } from '../../inference/read-package.ts';
import { int, ints } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import type { Model } from '../../onnx/graph.ts';
import { float32Tensor, int64Tensor } from '../../onnx/tensor.ts';

const SIDE = 64;
/** Of the grid of stride 8; those of strides 16 and 32 see nothing. */
const CELLS = (SIDE / 8) ** 2;
const EMPTY = (SIDE / 16) ** 2 + (SIDE / 32) ** 2;
const VALUES = 5 + COCO_CLASSES.length;

/**
 * A detector in YOLOX's form that can be checked by hand: 64x64 pixels, and every cell of 8x8 says that a car of 24x24 pixels is around
 * it, as surely as the cell is bright.
 *
 * @param blindRows rows of cells, from the bottom, in which it sees nothing
 */
export function spotDetector(blindRows = 0): Model {
  const builder = new GraphBuilder('spots');
  const image = builder.input('images', 'float32', [1, 3, SIDE, SIDE]);
  const mean = builder.constant('mean', float32Tensor([1, 3, 8, 8], new Float32Array(192).fill(1 / (192 * 255))));
  const [cells = ''] = builder.node('Conv', [image, mean], { strides: ints([8, 8]) });
  const sees = Float32Array.from({ length: CELLS }, (_, cell) => (cell < CELLS - blindRows * (SIDE / 8) ? 1 : 0));
  const mask = builder.constant('sees', float32Tensor([1, 1, SIDE / 8, SIDE / 8], sees));
  const [bright = ''] = builder.node('Mul', [cells, mask]);
  const [objectness = ''] = builder.node('Reshape', [
    bright,
    builder.constant('one a cell', int64Tensor([3], [1, CELLS, 1])),
  ]);
  const each = (values: readonly number[]): Float32Array =>
    Float32Array.from({ length: CELLS * values.length }, (_, i) => values[i % values.length] ?? 0);
  const box = builder.constant('box', float32Tensor([1, CELLS, 4], each([0.5, 0.5, Math.log(3), Math.log(3)])));
  const cars = COCO_CLASSES.map((name) => (name === 'car' ? 1 : 0));
  const classes = builder.constant('classes', float32Tensor([1, CELLS, cars.length], each(cars)));
  const [fine = ''] = builder.node('Concat', [box, objectness, classes], { axis: int(2) });
  const coarse = builder.constant('coarse', float32Tensor([1, EMPTY, VALUES], new Float32Array(EMPTY * VALUES)));
  const [output = ''] = builder.node('Concat', [fine, coarse], { axis: int(1) }, { outputs: ['output'] });
  builder.output(output, 'float32', [1, CELLS + EMPTY, VALUES]);
  return builder.build({ opset: 13, irVersion: 8 });
}

/** The detector as a package. */
export async function writeSpotPackage(
  dir: string,
  labels: readonly string[] = COCO_CLASSES,
  { version = '1', blindRows = 0 }: { readonly version?: string; readonly blindRows?: number } = {},
): Promise<ModelPackage> {
  const { head, preprocessing } = HEADS.yolox;
  return await writePackage(dir, {
    manifest: {
      task: 'detector',
      name: 'spots',
      version,
      input: { name: 'images', shape: [1, 3, SIDE, SIDE] },
      output: { name: 'output', classes: COCO_CLASSES.length },
      preprocessing: { ...preprocessing, size: [SIDE, SIDE], layout: 'NCHW' },
      head,
      labels: [...labels],
      thresholds: { score: 0.1 },
      minimumRuntime: '1.17.0',
    },
    model: encodeModel(spotDetector(blindRows)),
    golden: [],
  });
}

/** The same cars as a package of the task `grid`: how bright every cell of 8x8 pixels is. */
export async function writeSpotGrid(dir: string): Promise<void> {
  const builder = new GraphBuilder('spot grid');
  const image = builder.input('images', 'float32', [1, 3, SIDE, SIDE]);
  const mean = builder.constant('mean', float32Tensor([1, 3, 8, 8], new Float32Array(192).fill(1 / 192)));
  const [cells] = builder.node('Conv', [image, mean], { strides: ints([8, 8]) }, { outputs: ['cells'] });
  builder.output(cells, 'float32', [1, 1, SIDE / 8, SIDE / 8]);
  await writePackage(dir, {
    manifest: {
      task: 'grid',
      name: 'spot-grid',
      version: '1',
      input: { name: 'images', shape: [1, 3, SIDE, SIDE] },
      output: { name: 'cells', classes: 1 },
      preprocessing: {
        size: [SIDE, SIDE],
        resize: 'stretch',
        crop: 'none',
        mean: [0, 0, 0],
        std: [1, 1, 1],
        layout: 'NCHW',
        channels: 'RGB',
      },
      head: { stride: 8, split: 1, score: 'probability', overlap: 0.6, box: { typical: [[24, 24]] } },
      labels: ['car'],
      thresholds: { score: 0.1 },
      minimumRuntime: '1.17.0',
    },
    model: encodeModel(builder.build({ opset: 13, irVersion: 8 })),
    golden: [],
  });
}

/** Writes a video of 6 s, 64x64, 10 fps: a white spot of 8x8 pixels goes straight down by 8 pixels a second, in the fourth column of cells. */
export async function writeSpotVideo(path: string): Promise<void> {
  const source = (colour: string, size: string): string[] => [
    '-f',
    'lavfi',
    '-i',
    `color=c=${colour}:s=${size}:r=10:d=6`,
  ];
  const overlay = ['-filter_complex', "overlay=x=24:y='8*t':eval=frame", '-c:v', 'ffv1'];
  await promisify(execFile)('ffmpeg', [
    '-loglevel',
    'error',
    ...source('black', '64x64'),
    ...source('white', '8x8'),
    ...overlay,
    path,
  ]);
}
