import { z } from 'zod';
import { modelSchema } from '../../contract/messages/envelope.ts';
import { CountingQuality } from '../../inference/counting-quality.ts';
import type { Detection } from '../../inference/heads/detection.ts';
import type { Box } from '../../inference/image.ts';
import { TASKS } from '../../inference/manifest.ts';
import { MOST_CORNERS, type Polygon } from '../../inference/polygon.ts';
import type { Analysis } from './frame-model.ts';

/**
 * What the supervisor and the inference process say to each other.
 *
 * Down (stdin of the process): frames, binary, back to back. Little endian:
 *
 * | offset | type | what |
 * |---|---|---|
 * | 0 | u32 | magic `WYF2` |
 * | 4 | u32 | id of the job |
 * | 8, 12 | u32 | width, height in pixels |
 * | 16 | u32 | regions, n; 0 where nothing moves |
 * | 20 | u32 | classes wanted a region |
 * | 24 | u32 | corners of all polygons, m |
 * | 28 | f64 | threshold; NaN: those of the package |
 * | 36 | f64[4 n] | boxes: x, y, width, height in shares of the image |
 * | 36 + 32 n | u32[n] | corners of each region; 0: all of its box |
 * | 36 + 36 n | f64[2 m] | corners: x, y |
 * | 36 + 36 n + 16 m | u8[3 w h] | RGB, interleaved |
 *
 * Up (descriptor 3): JSON, one line a message; pixels never travel this way.
 */
const MAGIC = 0x32465957;
const PREFIX_BYTES = 36;
const BOX_BYTES = 32;
const COUNT_BYTES = 4;
const CORNER_BYTES = 16;

/** 8192 x 8192 RGB: anything larger is a broken stream, not an image. */
const MAX_PIXEL_BYTES = 8192 * 8192 * 3;
/** Regions of a camera, and as much of what moves as is proposed. */
const MAX_REGIONS = 128;
const MAX_CORNERS = MAX_REGIONS * MOST_CORNERS;

export interface FrameHeader {
  /** Unsigned 32 bits. */
  readonly id: number;
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly Box[];
  /** Of the boxes, by their order. */
  readonly polygons?: readonly (Polygon | undefined)[];
  readonly topK: number;
  readonly threshold: number;
}

export function encodeHeader({ id, width, height, boxes, polygons = [], topK, threshold }: FrameHeader): Buffer {
  const corners = polygons.reduce((sum, polygon) => sum + (polygon?.length ?? 0), 0);
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + boxes.length * (BOX_BYTES + COUNT_BYTES) + corners * CORNER_BYTES);
  let at = 0;
  for (const value of [MAGIC, id, width, height, boxes.length, topK, corners]) at = bytes.writeUInt32LE(value, at);
  at = bytes.writeDoubleLE(threshold, at);
  for (const box of boxes) for (const share of box) at = bytes.writeDoubleLE(share, at);
  for (const i of boxes.keys()) at = bytes.writeUInt32LE(polygons[i]?.length ?? 0, at);
  for (const polygon of polygons)
    for (const corner of polygon ?? []) for (const share of corner) at = bytes.writeDoubleLE(share, at);
  return bytes;
}

/**
 * Reads frames from a source that fills exactly the bytes asked for and answers false at its end.
 *
 * The pixels of a frame are valid until the next one is read: one buffer serves all. A polygon that was there before is the same object
 * again.
 */
export function createFrameReader(
  fill: (target: Uint8Array) => boolean,
): () => (FrameHeader & { readonly data: Uint8Array }) | undefined {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  const polygonAt = polygonReader();
  let pixels = new Uint8Array(0);
  return () => {
    if (!fill(prefix)) return undefined;
    const [magic, width, height] = [prefix.readUInt32LE(0), prefix.readUInt32LE(8), prefix.readUInt32LE(12)];
    const [regions, corners] = [prefix.readUInt32LE(16), prefix.readUInt32LE(24)];
    const size = width * height * 3;
    if (magic !== MAGIC || size === 0 || size > MAX_PIXEL_BYTES || regions > MAX_REGIONS || corners > MAX_CORNERS) {
      throw new Error(
        `not a frame: magic ${magic.toString(16)}, ${width}x${height}, ${regions} regions, ${corners} corners`,
      );
    }
    const shares = Buffer.alloc(regions * (BOX_BYTES + COUNT_BYTES) + corners * CORNER_BYTES);
    if (pixels.length !== size) pixels = new Uint8Array(size);
    if (!fill(shares) || !fill(pixels)) return undefined;
    const boxes = Array.from({ length: regions }, (_, region): Box => {
      const at = region * BOX_BYTES;
      const share = (k: number): number => shares.readDoubleLE(at + k * 8);
      return [share(0), share(1), share(2), share(3)];
    });
    const [id, topK, threshold] = [prefix.readUInt32LE(4), prefix.readUInt32LE(20), prefix.readDoubleLE(28)];
    const frame = { id, width, height, boxes, topK, threshold, data: pixels };
    if (corners === 0) return frame;
    let at = regions * (BOX_BYTES + COUNT_BYTES);
    const polygons = boxes.map((_, region) => {
      const end = at + shares.readUInt32LE(regions * BOX_BYTES + region * COUNT_BYTES) * CORNER_BYTES;
      const polygon = end === at ? undefined : polygonAt(shares.subarray(at, end));
      at = end;
      return polygon;
    });
    if (at !== shares.length) throw new Error(`not a frame: polygons of other than ${corners} corners`);
    return { ...frame, polygons };
  };
}

/** 64 regions of each of 64 cameras: a configuration has no more, and what a reload left behind goes when there are more. */
const KNOWN_POLYGONS = 4096;

/** Reads polygons, each once. */
function polygonReader(): (bytes: Buffer) => Polygon {
  const known = new Map<string, Polygon>();
  return (bytes) => {
    const key = bytes.toString('latin1');
    const before = known.get(key);
    if (before !== undefined) return before;
    const polygon = Array.from({ length: bytes.length / CORNER_BYTES }, (_, corner): readonly [number, number] => [
      bytes.readDoubleLE(corner * CORNER_BYTES),
      bytes.readDoubleLE(corner * CORNER_BYTES + 8),
    ]);
    if (known.size >= KNOWN_POLYGONS) known.clear();
    known.set(key, polygon);
    return polygon;
  };
}

const ranked = z.object({ index: z.int().min(0), score: z.number() });
/** `[x, y, width, height, class, score]`: one of many in every frame. */
const found = z.tuple([z.number(), z.number(), z.number(), z.number(), z.int().min(0), z.number()]);

export const upwardSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('ready'),
    model: modelSchema,
    runtime: z.string(),
    execution: z.object({
      provider: z.enum(['cpu', 'cuda', 'tensorrt']),
      reason: z.string().nullable(),
      threads: z.int().min(1),
    }),
    /** Names of the classes; null where nobody named them. */
    labels: z.array(z.string()).nullable(),
    task: z.enum(TASKS),
    /** What it was made for, where that is not the street; null otherwise. */
    purpose: z.literal('demonstration').nullable(),
    /** How its counts were held against truth; null where the package does not say. */
    counting: CountingQuality.nullable(),
    /** Least scores of what is reported, by the package. */
    thresholds: z.object({ score: z.number(), classes: z.record(z.string(), z.number()).optional() }),
    loadMs: z.number(),
  }),
  z.object({
    type: z.literal('result'),
    id: z.number(),
    preprocessMs: z.number(),
    runMs: z.number(),
    /** Per region of the frame, in its order: best classes first. */
    regions: z.array(z.array(ranked)),
    /** Of a model that finds objects, and always there. */
    objects: z.array(found).optional(),
  }),
  z.object({ type: z.literal('failed'), id: z.number(), code: z.string(), message: z.string() }),
  z.object({ type: z.literal('fatal'), code: z.string(), message: z.string() }),
]);

export type Upward = z.infer<typeof upwardSchema>;
export type Result = Extract<Upward, { type: 'result' }>;
export type Ready = Extract<Upward, { type: 'ready' }>;

/** Shares of an image and scores: a hundredth of a pixel of any frame. */
const rounded = (value: number): number => Math.round(value * 1e6) / 1e6;

/** What is said of a frame. */
export function resultOf(id: number, { objects, ...analysis }: Analysis): Result {
  if (objects === undefined) return { type: 'result', id, ...analysis };
  const wire = objects.map(
    ({ box: [x, y, w, h], classIndex, score }): z.infer<typeof found> => [
      rounded(x),
      rounded(y),
      rounded(w),
      rounded(h),
      classIndex,
      rounded(score),
    ],
  );
  return { type: 'result', id, ...analysis, objects: wire };
}

/** What a model found in a frame; undefined for one that finds no objects. */
export const detectionsIn = ({ objects }: Result): Detection[] | undefined =>
  objects?.map(([x, y, w, h, classIndex, score]) => ({ box: [x, y, w, h], classIndex, score }));

/**
 * Reads one line of descriptor 3. Results come with every frame and are checked by hand, to the same effect as the schema.
 *
 * @throws {SyntaxError | z.ZodError} when it is none of the messages
 */
export function parseUpward(line: string): Upward {
  const message: unknown = JSON.parse(line);
  return isResult(message) ? message : upwardSchema.parse(message);
}

type Unchecked<T> = { readonly [K in keyof T]?: unknown };

function isResult(message: unknown): message is Result {
  if (typeof message !== 'object' || message === null) return false;
  const { type, id, preprocessMs, runMs, regions, objects }: Unchecked<Result> = message;
  return (
    type === 'result' &&
    [id, preprocessMs, runMs].every(Number.isFinite) &&
    isListOf(regions, isClasses) &&
    (objects === undefined || isListOf(objects, isFound))
  );
}

const isFound = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 6 && value.every(Number.isFinite) && isIndex(value[4]);

const isIndex = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

const isClasses = (classes: unknown): boolean => isListOf(classes, isRanked);

function isRanked(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { index, score }: Unchecked<z.infer<typeof ranked>> = value;
  return isIndex(index) && Number.isFinite(score);
}

const isListOf = (list: unknown, is: (item: unknown) => boolean): boolean => Array.isArray(list) && list.every(is);
