import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { messageOf, WaysideError } from '../../core/errors.ts';
import type { Codec } from './nal.ts';

/** What decides whether a file can be sent as it is. */
export interface FileFacts {
  /** Undefined for any other codec. */
  readonly codec: Codec | undefined;
  readonly fps: number;
  /** Pictures are stored in another order than shown. */
  readonly reordered: boolean;
  /** Longest distance between keyframes, in s, within the part that was read. */
  readonly keyframeInterval: number;
}

const CODECS: Readonly<Record<string, Codec>> = { h264: 'h264', hevc: 'h265' };
const PROBED_SECONDS = '30';

/**
 * Looks at the first 30 s of a file without decoding it. `framecrc` lists every packet with its times, which ffprobe
 * would too, but npm's static build has no ffprobe.
 *
 * @throws {WaysideError} VIDEO_SOURCE_FAILED
 */
export async function probeFile(ffmpeg: string, path: string): Promise<FileFacts> {
  const args = ['-nostdin', '-hide_banner', '-loglevel', 'error', '-i', `file:${path}`];
  const wanted = ['-map', '0:v:0', '-c', 'copy', '-t', PROBED_SECONDS, '-f', 'framecrc', 'pipe:1'];
  try {
    const { stdout } = await promisify(execFile)(ffmpeg, [...args, ...wanted], {
      maxBuffer: 64 << 20,
      timeout: 60_000,
    });
    return factsOf(stdout);
  } catch (cause) {
    throw new WaysideError('VIDEO_SOURCE_FAILED', {
      message: `cannot read video from ${path}: ${messageOf(cause)}`,
      cause,
    });
  }
}

/** Lines are `stream, dts, pts, duration, size, crc[, F=0x0 when not a keyframe]`. */
function factsOf(listing: string): FileFacts {
  const timeBase = /^#tb 0: (\d+)\/(\d+)/m.exec(listing);
  const packets = listing
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const fields = line.split(',').map((field) => field.trim());
      return { dts: Number(fields[1]), pts: Number(fields[2]), key: !fields.includes('F=0x0') };
    });
  const first = packets[0];
  const last = packets.at(-1);
  if (timeBase === null || first === undefined || last === undefined || last === first) {
    throw new Error('it holds fewer than two pictures');
  }
  const unit = Number(timeBase[1]) / Number(timeBase[2]);
  const fps = (packets.length - 1) / ((last.dts - first.dts) * unit);
  const keys = packets.flatMap((packet, i) => (packet.key ? [i] : []));
  const distances = [...keys.slice(1), packets.length].map((at, i) => at - keys[i]!);
  return {
    codec: CODECS[/^#codec_id 0: (\S+)/m.exec(listing)?.[1] ?? ''],
    fps: Math.abs(fps - Math.round(fps)) < 0.02 ? Math.round(fps) : fps,
    reordered: packets.some((packet) => packet.pts - packet.dts !== first.pts - first.dts),
    keyframeInterval: Math.max(0, ...distances) / fps,
  };
}
