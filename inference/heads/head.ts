import { z } from 'zod';
import type { Preprocessing } from '../preprocess.ts';

/**
 * How the one output of a detector, `[1, cells, values]`, is read. Cells lie grid after grid, finest first, each row by row; a grid of
 * stride s has ceil(H / s) rows of ceil(W / s) cells.
 *
 * | `box` | values | read as, in pixels of the input |
 * |---|---|---|
 * | `cell-exp` | x, y, w, h | centre (cell + xy) * s, size exp(wh) * s (YOLOX, Ge 2021) |
 * | `pixels` | x, y, w, h | centre and size as they are (YOLOX exported with its decoding) |
 * | `distribution` | 4 * bins logits | distances left, top, right, bottom from cell * s: expected bin * s (NanoDet-Plus; Li 2020, "Generalized Focal Loss") |
 */
export const DetectorHead = z
  .strictObject({
    strides: z.array(z.int().min(1).max(256)).min(1).max(8),
    box: z.enum(['cell-exp', 'pixels', 'distribution']),
    /** Of `distribution`, and only there: bins of each distance. */
    bins: z.int().min(2).max(64).optional(),
    /** `objectness`: box, objectness, classes; the score is objectness * class. `classes`: classes, then the box; the score is the class's. */
    score: z.enum(['objectness', 'classes']),
    /** Boxes of one class that overlap by more hide each other. */
    overlap: z.number().min(0).max(1).default(0.45),
  })
  .refine(({ box, bins }) => (box === 'distribution') === (bins !== undefined), {
    error: "`bins` goes with box 'distribution'",
  });
export type DetectorHead = z.infer<typeof DetectorHead>;

/** Values of a cell that are its box. */
export const boxValues = ({ bins = 1 }: DetectorHead): number => 4 * bins;

/** Cells that an input of `size` `[H, W]` has. */
export const cellsOf = ({ strides }: DetectorHead, [height, width]: readonly [number, number]): number =>
  strides.reduce((sum, stride) => sum + Math.ceil(height / stride) * Math.ceil(width / stride), 0);

/** Families of detectors by the name `--head` takes: the head and how images are prepared, but for the size. */
interface HeadFamily {
  readonly head: DetectorHead;
  readonly preprocessing: Omit<Preprocessing, 'size' | 'layout'>;
}

/** Of R, G, B. */
const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
/** YOLOX since 0.1.1 takes the bytes as they are. */
const BYTES = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] } as const;

const yolox: HeadFamily = {
  head: { strides: [8, 16, 32], box: 'cell-exp', score: 'objectness', overlap: 0.45 },
  preprocessing: { ...BYTES, std: [...BYTES.std], resize: { letterbox: 114 }, crop: 'none', channels: 'BGR' },
};

export const HEADS = {
  yolox,
  'yolox-decoded': { ...yolox, head: { ...yolox.head, box: 'pixels' } },
  'nanodet-plus': {
    head: { strides: [8, 16, 32, 64], box: 'distribution', bins: 8, score: 'classes', overlap: 0.6 },
    preprocessing: { ...IMAGENET, std: [...IMAGENET.std], resize: 'stretch', crop: 'none', channels: 'BGR' },
  },
} as const satisfies Readonly<Record<string, HeadFamily>>;
export type HeadName = keyof typeof HEADS;

/** The 80 classes that published detectors are trained on (COCO 2017), in their order. */
export const COCO_CLASSES: readonly string[] = (
  'person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign,parking meter,bench,bird,cat,dog,' +
  'horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,handbag,tie,suitcase,frisbee,skis,snowboard,sports ball,kite,' +
  'baseball bat,baseball glove,skateboard,surfboard,tennis racket,bottle,wine glass,cup,fork,knife,spoon,bowl,banana,apple,sandwich,' +
  'orange,broccoli,carrot,hot dog,pizza,donut,cake,chair,couch,potted plant,bed,dining table,toilet,tv,laptop,mouse,remote,keyboard,' +
  'cell phone,microwave,oven,toaster,sink,refrigerator,book,clock,vase,scissors,teddy bear,hair drier,toothbrush'
).split(',');
