import { execFile } from 'node:child_process';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import type { Dataset, Sample } from '../../calibration/dataset.ts';
import { positionsOf } from '../../calibration/datasets/positions.ts';
import { digestOf } from '../../core/hash.ts';

const run = promisify(execFile);

/** YOLOX pads with this grey, on the right and below. */
const PADDING = '0x727272';
/** A minute of frames of 416x416. */
const MOST_BYTES = 2 ** 29;

/** Frames of a clip at a steady rate, in order: scaled to fit a square with their aspect kept, the rest of it grey. */
export async function letterboxedFrames(
  clip: string,
  { side, rate, signal }: { readonly side: number; readonly rate: number; readonly signal?: AbortSignal },
): Promise<Sample[]> {
  const filter = [
    `fps=${rate}`,
    `scale=${side}:${side}:force_original_aspect_ratio=decrease:flags=bilinear`,
    `pad=${side}:${side}:0:0:color=${PADDING}`,
  ].join(',');
  const args = ['-nostdin', '-loglevel', 'error', '-i', clip, '-an', '-vf', filter, '-f', 'rawvideo'];
  const { stdout } = await run('ffmpeg', [...args, '-pix_fmt', 'rgb24', 'pipe:1'], {
    encoding: 'buffer',
    maxBuffer: MOST_BYTES,
    ...(signal === undefined ? {} : { signal }),
  });
  const length = 3 * side * side;
  return Array.from({ length: Math.floor(stdout.length / length) }, (_, i) => ({
    id: `${basename(clip)}#${i}`,
    label: 0,
    image: { width: side, height: side, data: stdout.subarray(i * length, (i + 1) * length) },
  }));
}

/** The first half of each clip's frames to calibrate on, the second to measure on. */
export function halves(clips: readonly (readonly Sample[])[]): { first: Sample[]; second: Sample[] } {
  return {
    first: clips.flatMap((frames) => frames.slice(0, Math.floor(frames.length / 2))),
    second: clips.flatMap((frames) => frames.slice(Math.ceil(frames.length / 2))),
  };
}

/** Frames at hand as a data set. */
export function framesDataset(name: string, frames: readonly Sample[]): Dataset {
  return {
    name,
    split: 'train',
    size: frames.length,
    classes: undefined,
    digest: () => Promise.resolve(digestOf(Buffer.concat(frames.map(({ image }) => image.data)))),
    async *samples(indices) {
      for (const position of positionsOf(frames.length, indices)) yield frames[position]!;
    },
  };
}
