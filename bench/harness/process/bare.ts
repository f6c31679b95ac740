import { join } from 'node:path';
import { compiledModule } from '../../../core/layout.ts';
import type { Workplace } from '../workplace.ts';
import { runChild } from './child.ts';

export interface FrameSize {
  readonly width: number;
  readonly height: number;
}

/** Frames that bare figures are taken over. */
export const BARE_FRAMES = 1000;
/** What 1,000 frames take at 25 a second. */
const DECODED_SECONDS = 40;

interface Wanted {
  /** That are scaled. */
  readonly frames: number;
  /** So many of them a second; without it, every frame of the stream. */
  readonly rate?: number | undefined;
}

/** The first frame of each interval, as the daemon takes them. */
function selected(rate: number): string {
  const interval = (time: string): string => `floor(${time}*${rate}+0.001)`;
  return `select='isnan(prev_selected_t)+not(eq(${interval('t')},${interval('prev_selected_t')}))'`;
}

/** The options of the daemon's own decoder, less what makes frames leave the process. */
function decoding(
  url: string,
  { width, height }: FrameSize,
  { frames, rate }: Wanted,
  out: readonly string[],
): string[] {
  const input = ['-threads', '1', '-flags', 'low_delay', '-rtsp_transport', 'tcp', '-i', url, '-an'];
  const scale = `scale=${width}:${height}:flags=bilinear`;
  const filter = ['-vf', rate === undefined ? scale : `${selected(rate)},${scale}`, '-fps_mode', 'passthrough'];
  return [
    '-nostdin',
    '-hide_banner',
    '-nostats',
    ...input,
    ...filter,
    '-frames:v',
    String(frames),
    '-threads',
    '1',
    '-pix_fmt',
    'rgb24',
    ...out,
  ];
}

/**
 * CPU seconds of one ffmpeg that decodes the same stream and scales 1,000 frames of it to the same size, for nobody: all, or so many a
 * second and the others decoded alone; then a stretch of 40 s stands for the rest. `-benchmark` prints what getrusage(2) says of the
 * process at its end.
 */
export async function bareDecode(url: string, size: FrameSize, { signal }: Workplace, rate?: number): Promise<number> {
  const frames = rate === undefined ? BARE_FRAMES : Math.round(DECODED_SECONDS * rate);
  const args = ['-benchmark', ...decoding(url, size, { frames, rate }, ['-f', 'rawvideo', '-y', '/dev/null'])];
  const { stderr } = await runChild('ffmpeg', args, { signal });
  const [, user, system] = /bench: utime=([\d.]+)s stime=([\d.]+)s/.exec(stderr) ?? [];
  if (user === undefined || system === undefined) throw new Error('ffmpeg did not print its CPU time');
  return ((Number(user) + Number(system)) * BARE_FRAMES) / frames;
}

/**
 * CPU seconds of 1,000 runs of the model on one frame of the stream, in a Node process that does nothing else. At the pace
 * of the stream, as the bare decode is: caches go cold between two frames, and a run takes about an eighth longer than
 * without a pause.
 *
 * @param fps runs a second; 0: without a pause
 */
export async function bareInference(
  url: string,
  size: FrameSize,
  { model, fps }: { readonly model: string; readonly fps: number },
  { scratch, signal }: Workplace,
): Promise<number> {
  const frame = join(scratch, 'frame.rgb');
  await runChild('ffmpeg', decoding(url, size, { frames: 1 }, ['-f', 'rawvideo', '-y', frame]), { signal });
  const args = [
    compiledModule('bench/bare/inference'),
    model,
    frame,
    String(size.width),
    String(size.height),
    String(BARE_FRAMES),
    String(fps),
  ];
  const { stdout } = await runChild(process.execPath, args, { signal });
  return (JSON.parse(stdout) as { readonly cpuSeconds: number }).cpuSeconds;
}
