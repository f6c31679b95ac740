import { z } from 'zod';
import { modelSchema } from '../../contract/messages/envelope.ts';
import type { Box } from '../../inference/image.ts';

/**
 * What the supervisor and the inference process say to each other.
 *
 * Down (stdin of the process): frames, binary, back to back. Little endian:
 *
 * | offset | type | what |
 * |---|---|---|
 * | 0 | u32 | magic `WYF1` |
 * | 4 | u32 | id of the job |
 * | 8, 12 | u32 | width, height in pixels |
 * | 16 | u32 | regions, n |
 * | 20 | u32 | classes wanted a region |
 * | 24 | f64 | threshold; NaN: those of the package |
 * | 32 | f64[4 n] | boxes: x, y, width, height in shares of the image |
 * | 32 + 32 n | u8[3 w h] | RGB, interleaved |
 *
 * Up (descriptor 3): JSON, one line a message; pixels never travel this way.
 */
const MAGIC = 0x31465957;
const PREFIX_BYTES = 32;
const BOX_BYTES = 32;

/** 8192 x 8192 RGB: anything larger is a broken stream, not an image. */
const MAX_PIXEL_BYTES = 8192 * 8192 * 3;
const MAX_REGIONS = 64;

export interface FrameHeader {
  /** Unsigned 32 bits. */
  readonly id: number;
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly Box[];
  readonly topK: number;
  readonly threshold: number;
}

export function encodeHeader(header: FrameHeader): Buffer {
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + header.boxes.length * BOX_BYTES);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt32LE(header.id, 4);
  bytes.writeUInt32LE(header.width, 8);
  bytes.writeUInt32LE(header.height, 12);
  bytes.writeUInt32LE(header.boxes.length, 16);
  bytes.writeUInt32LE(header.topK, 20);
  bytes.writeDoubleLE(header.threshold, 24);
  let at = PREFIX_BYTES;
  for (const box of header.boxes) for (const share of box) at = bytes.writeDoubleLE(share, at);
  return bytes;
}

/**
 * Reads frames from a source that fills exactly the bytes asked for and answers false at its end.
 *
 * The pixels of a frame are valid until the next one is read: one buffer serves all.
 */
export function createFrameReader(
  fill: (target: Uint8Array) => boolean,
): () => (FrameHeader & { readonly data: Uint8Array }) | undefined {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  let pixels = new Uint8Array(0);
  return () => {
    if (!fill(prefix)) return undefined;
    const [magic, width, height] = [prefix.readUInt32LE(0), prefix.readUInt32LE(8), prefix.readUInt32LE(12)];
    const regions = prefix.readUInt32LE(16);
    const size = width * height * 3;
    if (magic !== MAGIC || size === 0 || size > MAX_PIXEL_BYTES || regions === 0 || regions > MAX_REGIONS) {
      throw new Error(`not a frame: magic ${magic.toString(16)}, ${width}x${height}, ${regions} regions`);
    }
    const shares = Buffer.alloc(regions * BOX_BYTES);
    if (pixels.length !== size) pixels = new Uint8Array(size);
    if (!fill(shares) || !fill(pixels)) return undefined;
    const boxes = Array.from({ length: regions }, (_, region): Box => {
      const at = region * BOX_BYTES;
      const share = (k: number): number => shares.readDoubleLE(at + k * 8);
      return [share(0), share(1), share(2), share(3)];
    });
    const [id, topK, threshold] = [prefix.readUInt32LE(4), prefix.readUInt32LE(20), prefix.readDoubleLE(24)];
    return { id, width, height, boxes, topK, threshold, data: pixels };
  };
}

const ranked = z.object({ index: z.int().min(0), score: z.number() });

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
    loadMs: z.number(),
  }),
  z.object({
    type: z.literal('result'),
    id: z.number(),
    preprocessMs: z.number(),
    runMs: z.number(),
    /** Per region of the frame, in its order: best classes first. */
    regions: z.array(z.array(ranked)),
  }),
  z.object({ type: z.literal('failed'), id: z.number(), code: z.string(), message: z.string() }),
  z.object({ type: z.literal('fatal'), code: z.string(), message: z.string() }),
]);

export type Upward = z.infer<typeof upwardSchema>;
export type Result = Extract<Upward, { type: 'result' }>;
export type Ready = Extract<Upward, { type: 'ready' }>;

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
  const { type, id, preprocessMs, runMs, regions }: Unchecked<Result> = message;
  return type === 'result' && [id, preprocessMs, runMs].every(Number.isFinite) && isListOf(regions, isClasses);
}

const isClasses = (classes: unknown): boolean => isListOf(classes, isRanked);

function isRanked(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { index, score }: Unchecked<z.infer<typeof ranked>> = value;
  return Number.isSafeInteger(index) && (index as number) >= 0 && Number.isFinite(score);
}

const isListOf = (list: unknown, is: (item: unknown) => boolean): boolean => Array.isArray(list) && list.every(is);
