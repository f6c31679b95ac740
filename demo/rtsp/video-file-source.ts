import { once } from 'node:events';
import { AnnexBReader } from './annexb.ts';
import { startEncoder } from './encoder-child.ts';
import type { AccessUnit, Codec } from './nal.ts';
import { type FileFacts, probeFile } from './probe-file.ts';
import { paceFrames, type VideoSource } from './source.ts';

interface VideoFileOptions {
  /** Frames a second; another value than the file's own encodes it anew. @default the file's */
  readonly fps?: number;
  /** Another codec than the file's own encodes it anew. @default the file's where it is one of the two, else h264 */
  readonly codec?: Codec;
  /** Begin again at the end, for ever. @default true */
  readonly loop?: boolean;
  /** Pixels, even; encodes anew. @default the file's */
  readonly size?: { readonly width: number; readonly height: number };
  /** The program. @default 'ffmpeg' */
  readonly ffmpeg?: string;
}

/** A client that joins waits for a keyframe: files with rarer ones are encoded anew. */
const LONGEST_KEYFRAME_INTERVAL_S = 2;
/** Reading pauses with this many units waiting: 2.5 s at 25 fps. */
const UNITS_AHEAD = 64;

/**
 * A video file, sent at its own pace. Its packets are sent as they are where a receiver can join quickly and shows them in the
 * order of their arrival; otherwise (other codec, B-frames, rare keyframes, or another rate or size asked for) it is encoded on the fly.
 *
 * @throws {WaysideError} VIDEO_SOURCE_FAILED
 */
export async function videoFileSource(path: string, options: VideoFileOptions = {}): Promise<VideoSource> {
  const ffmpeg = options.ffmpeg ?? 'ffmpeg';
  const facts = await probeFile(ffmpeg, path);
  const codec = options.codec ?? facts.codec ?? 'h264';
  const fps = options.fps ?? facts.fps;
  const input = [...((options.loop ?? true) ? ['-stream_loop', '-1'] : []), '-i', `file:${path}`, '-map', '0:v:0'];
  const coding = canCopy(facts, codec, fps, options) ? ['-c', 'copy'] : encoding(codec, fps, options.size);
  const output = ['-f', codec === 'h264' ? 'h264' : 'hevc', 'pipe:1'];
  return {
    codec,
    fps,
    run: (deliver, signal) => play(codec, fps, ffmpeg, [...input, ...coding, ...output], deliver, signal),
  };
}

function canCopy(facts: FileFacts, codec: Codec, fps: number, options: VideoFileOptions): boolean {
  return (
    facts.codec === codec &&
    facts.fps === fps &&
    !facts.reordered &&
    facts.keyframeInterval <= LONGEST_KEYFRAME_INTERVAL_S &&
    options.size === undefined
  );
}

function encoding(codec: Codec, fps: number, size: VideoFileOptions['size']): string[] {
  const keyframes = Math.max(1, Math.round(fps));
  const scale = size === undefined ? 'trunc(iw/2)*2:trunc(ih/2)*2' : `${size.width}:${size.height}`;
  const filter = ['-vf', `fps=${fps},scale=${scale}`, '-pix_fmt', 'yuv420p', '-g', String(keyframes)];
  if (codec === 'h264') {
    return [
      ...filter,
      '-c:v',
      'libx264',
      '-preset',
      'superfast',
      '-tune',
      'zerolatency',
      '-crf',
      '20',
      '-threads',
      '1',
    ];
  }
  const parameters = `log-level=error:keyint=${keyframes}:min-keyint=${keyframes}:scenecut=0:bframes=0:pools=1:frame-threads=1`;
  return [...filter, '-c:v', 'libx265', '-preset', 'ultrafast', '-tune', 'zerolatency', '-x265-params', parameters];
}

async function play(
  codec: Codec,
  fps: number,
  ffmpeg: string,
  args: readonly string[],
  deliver: Parameters<VideoSource['run']>[0],
  outer: AbortSignal,
): Promise<void> {
  const stopping = new AbortController();
  const signal = AbortSignal.any([outer, stopping.signal]);
  const { child, ended } = startEncoder(ffmpeg, args, signal);
  const waiting: AccessUnit[] = [];
  const reader = new AnnexBReader(codec, (unit) => void waiting.push(unit));
  child.stdout.on('data', (chunk: Buffer) => {
    reader.push(chunk);
    if (waiting.length > UNITS_AHEAD) child.stdout.pause();
  });
  child.stdout.on('end', () => reader.end());
  try {
    await paceFrames(
      fps,
      async (index) => {
        const unit = await nextUnit();
        if (unit !== undefined) deliver({ index, unit });
        return unit !== undefined;
      },
      signal,
    );
    if (!outer.aborted) await ended;
  } finally {
    stopping.abort();
  }

  async function nextUnit(): Promise<AccessUnit | undefined> {
    while (waiting.length === 0 && !child.stdout.readableEnded && !child.stdout.destroyed && !signal.aborted) {
      const news = new AbortController();
      const either = { signal: AbortSignal.any([signal, news.signal]) };
      const any = ['data', 'end', 'close'].map((event) => once(child.stdout, event, either).catch(() => undefined));
      child.stdout.resume();
      await Promise.race(any);
      news.abort();
    }
    if (waiting.length < UNITS_AHEAD / 2) child.stdout.resume();
    return waiting.shift();
  }
}
