import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { isSystemError, messageOf, WaysideError } from '../../core/errors.ts';
import { type Digest, digestOf, digestOfFile } from '../../core/hash.ts';
import type { RgbImage } from '../../inference/image.ts';
import type { Dataset, Sample } from '../dataset.ts';
import { positionsOf } from './positions.ts';

/** Frames a second that are looked at: neighbours at a camera's own rate are all but the same image. */
const RATE = 2;

/** Bytes of frames that are kept: of 640x352, three quarters of a minute. */
const MOST_KEPT = 64 * 2 ** 20;

/**
 * Frames of a video file, two a second, for what needs no labels. Choosing layer by layer reads them a hundred times: those of a short
 * video are kept. Those of a longer one are decoded anew whenever they are read: at 1080p a minute of them would be 750 MB.
 *
 * @throws {WaysideError} FILE_NOT_FOUND; DECODER_UNAVAILABLE without ffmpeg; VIDEO_INVALID for what cannot be decoded or holds no frames
 */
export async function openVideo(path: string, mostKept = MOST_KEPT): Promise<Dataset> {
  let size = 0;
  let bytes = 0;
  const kept: RgbImage[] = [];
  for await (const image of frames(path)) {
    size++;
    bytes += image.data.byteLength;
    if (bytes <= mostKept) kept.push(image);
    else kept.length = 0;
  }
  if (size === 0) throw new WaysideError('VIDEO_INVALID', { message: `${path} holds no frames` });

  async function* samples(indices?: readonly number[]): AsyncGenerator<Sample> {
    const wanted = [...positionsOf(size, indices)];
    const sample = (position: number, image: RgbImage): Sample => ({
      id: `${basename(path)}#${position}`,
      label: 0,
      image,
    });
    if (kept.length === size) {
      for (const position of wanted) yield sample(position, kept[position]!);
      return;
    }
    let at = 0;
    while (at < wanted.length) {
      // A position before the last one starts from the beginning; as a rule they rise, and one pass serves all.
      let position = 0;
      for await (const image of frames(path)) {
        while (wanted[at] === position) {
          yield sample(position, image);
          at++;
        }
        position++;
        if (at >= wanted.length || (wanted[at] ?? 0) < position) break;
      }
    }
  }

  return {
    name: `video:${path}`,
    split: 'train',
    size,
    classes: undefined,
    samples,
    digest: async (): Promise<Digest> => digestOf(`${RATE} ${await digestOfFile(path)}\n`),
  };
}

/** Decodes the frames, in order. The child ends with whoever stops reading. */
async function* frames(path: string): AsyncGenerator<RgbImage> {
  const filter = ['-vf', `fps=${RATE}`, '-f', 'image2pipe', '-c:v', 'ppm', 'pipe:1'];
  // A path that begins with a dash or names a protocol is a file all the same.
  const args = [
    '-nostdin',
    '-loglevel',
    'error',
    '-protocol_whitelist',
    'file',
    '-i',
    `file:${path}`,
    '-an',
    ...filter,
  ];
  const child = spawn('ffmpeg', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-500);
  });
  const ended = new Promise<number | Error>((resolve) => {
    child.once('error', resolve);
    child.once('close', (code) => resolve(code ?? 0));
  });
  try {
    yield* ppmImages(child.stdout);
    const result = await ended;
    if (result !== 0) throw undecodable(path, result, said);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

function undecodable(path: string, result: number | Error, said: string): WaysideError {
  if (result instanceof Error && isSystemError(result, 'ENOENT'))
    return new WaysideError('DECODER_UNAVAILABLE', {
      message: 'ffmpeg is not installed',
      hint: 'apt install ffmpeg',
      cause: result,
    });
  const why = result instanceof Error ? messageOf(result) : (said.trim().split('\n').at(-1) ?? '');
  const code = /No such file or directory/.test(why) ? 'FILE_NOT_FOUND' : 'VIDEO_INVALID';
  return new WaysideError(code, { message: `cannot read frames of ${path}: ${why}` });
}

const HEADER = /^P6\s+(\d+)\s+(\d+)\s+255\s/;
/** Of a header: two sizes of five digits. */
const LONGEST_HEADER = 32;

async function* ppmImages(stream: Readable): AsyncGenerator<RgbImage> {
  let held: Buffer[] = [];
  let length = 0;
  let needed = 0;
  for await (const chunk of stream) {
    held.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    while (length > 0 && length >= needed) {
      const all = held.length === 1 ? (held[0] ?? Buffer.alloc(0)) : Buffer.concat(held);
      held = [all];
      const [header, width, height] = HEADER.exec(all.toString('latin1', 0, LONGEST_HEADER)) ?? [];
      if (header === undefined) {
        needed = length + 1;
        break;
      }
      const bytes = Number(width) * Number(height) * 3;
      needed = header.length + bytes;
      if (length < needed) break;
      yield {
        width: Number(width),
        height: Number(height),
        data: Uint8Array.from(all.subarray(header.length, needed)),
      };
      held = [all.subarray(needed)];
      length -= needed;
      needed = 0;
    }
  }
}
