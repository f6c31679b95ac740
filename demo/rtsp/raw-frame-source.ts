import { once } from 'node:events';
import { startEncoder } from './encoder-child.ts';
import { FlvReader } from './flv.ts';
import { paceFrames, type VideoSource } from './source.ts';

interface RawFrameOptions {
  /** Pixels, even. */
  readonly width: number;
  /** Pixels, even. */
  readonly height: number;
  readonly fps: number;
  /** Frame `index` as `[height, width, 3]` RGB; called when it is due. */
  readonly render: (index: number) => Uint8Array | Promise<Uint8Array>;
  /** The program. @default 'ffmpeg' */
  readonly ffmpeg?: string;
  /** x264's constant rate factor, 0 to 51; lower is better and larger. @default 20 */
  readonly quality?: number;
}

/**
 * Pictures made frame by frame, encoded as H.264 without delay: no B-frames, no look-ahead, one keyframe a second.
 *
 * One frame in is one access unit out, in order, so the index of a unit is the index of the picture.
 */
export function rawFrameSource(options: RawFrameOptions): VideoSource {
  const { width, height, fps, render, ffmpeg = 'ffmpeg', quality = 20 } = options;
  return {
    codec: 'h264',
    fps,
    async run(deliver, outer) {
      const ending = new AbortController();
      const signal = AbortSignal.any([outer, ending.signal]);
      const { child, ended } = startEncoder(ffmpeg, encoderArguments(width, height, fps, quality), signal);
      let encoded = 0;
      const reader = new FlvReader((unit) => deliver({ index: encoded++, unit }));
      let broken: unknown;
      child.stdout.on('data', (chunk: Buffer) => {
        try {
          reader.push(chunk);
        } catch (cause) {
          broken ??= cause;
          ending.abort();
        }
      });
      const feeding = paceFrames(
        fps,
        async (index) => {
          const picture = await render(index);
          if (!child.stdin.write(picture)) await once(child.stdin, 'drain', { signal }).catch(() => undefined);
          return child.exitCode === null;
        },
        signal,
      );
      try {
        await Promise.race([ended, feeding]);
        if (broken !== undefined) throw broken;
        if (!outer.aborted) await ended;
      } finally {
        ending.abort();
        await feeding;
      }
    },
  };
}

function encoderArguments(width: number, height: number, fps: number, quality: number): string[] {
  const keyframes = String(Math.max(1, Math.round(fps)));
  return [
    ...[
      '-f',
      'rawvideo',
      '-pix_fmt',
      'rgb24',
      '-video_size',
      `${width}x${height}`,
      '-framerate',
      String(fps),
      '-i',
      'pipe:0',
    ],
    ...[
      '-c:v',
      'libx264',
      '-preset',
      'superfast',
      '-tune',
      'zerolatency',
      '-crf',
      String(quality),
      '-pix_fmt',
      'yuv420p',
    ],
    ...['-g', keyframes, '-keyint_min', keyframes, '-sc_threshold', '0', '-threads', '1'],
    ...['-flush_packets', '1', '-f', 'flv', 'pipe:1'],
  ];
}
