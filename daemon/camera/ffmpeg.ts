import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { WaysideError } from '../../core/errors.ts';
import { explainShortage } from '../../core/shortage.ts';
import { hasOwnPipes } from '../pipe.ts';
import { hasCredentials } from './address.ts';
import { filterGraph, type TimeReport } from './filter.ts';
import type { Economy } from './timing/economy.ts';
import type { FrameClock } from './timing/timeliness.ts';
import type { CameraOptions, Transport } from './types.ts';

/** What one ffmpeg program can do, found out once. */
export interface Ffmpeg {
  readonly command: string;
  /** As it calls itself, for `doctor` and the log: `5.1.9-0+deb12u1`. */
  readonly version: string;
  /** From 5.1 (libavformat 59.27) a concat list carries options of what it lists, and `-vsync` is called `-fps_mode`. */
  readonly listsOptions: boolean;
  /** From 5.0 (libavformat 59.16) the socket timeout of RTSP is `-timeout`, before it `-stimeout`; both in µs. */
  readonly timeoutOption: 'timeout' | 'stimeout';
  readonly timeReport: TimeReport;
}

const OLDEST_LISTING_OPTIONS = [59, 27] as const;
const OLDEST_TIMEOUT = [59, 16] as const;

/**
 * Asks a program what it is. Versions are those of libavformat: builds from a repository call themselves `N-47683-g0e8eb07980`.
 *
 * @throws {WaysideError} DECODER_UNAVAILABLE when it does not run or is no ffmpeg
 */
export async function probeFfmpeg(command: string): Promise<Ffmpeg> {
  const ask = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)(command, ['-hide_banner', ...args], { timeout: 20_000, maxBuffer: 1 << 20 })).stdout;
  try {
    const [about, metadata] = await Promise.all([ask('-version'), ask('-h', 'filter=metadata')]);
    const format = /libavformat\s+(\d+)\.\s*(\d+)/.exec(about);
    if (format === null) throw new Error('it does not call itself ffmpeg');
    const atLeast = ([major, minor]: readonly [number, number]): boolean =>
      Number(format[1]) > major || (Number(format[1]) === major && Number(format[2]) >= minor);
    return {
      command,
      version: /^ffmpeg version (\S+)/m.exec(about)?.[1] ?? 'unknown',
      listsOptions: atLeast(OLDEST_LISTING_OPTIONS),
      timeoutOption: atLeast(OLDEST_TIMEOUT) ? 'timeout' : 'stimeout',
      timeReport: hasOwnPipes() && /^\s*direct\s/m.test(metadata) ? 'descriptor' : 'stderr',
    };
  } catch (cause) {
    throw new WaysideError('DECODER_UNAVAILABLE', {
      message: `cannot run the video decoder ${command}: ${explainShortage(cause)}`,
      hint: 'install ffmpeg (`apt install ffmpeg`), or name another decoder in the configuration',
      cause,
    });
  }
}

/** What a decoder is asked for this time, beyond what its camera is configured for. */
export interface DecodingPlan {
  /** With the credentials. */
  readonly address: string;
  readonly economy: Economy;
  readonly clock: FrameClock;
  /** How long the camera may be silent before the decoder gives up by itself, ms. */
  readonly timeoutMs: number;
}

/** The arguments of a decoder and what it is given on its stdin. */
interface Invocation {
  readonly args: readonly string[];
  readonly stdin: string;
}

/** Enough to see the parameter sets; the defaults wait for 5 s of stream (first frame after 1.4 s instead of 0.3). */
const PROBING = { probesize: '100000', analyzeduration: '0', fpsprobesize: '0' } as const;

/**
 * How to have a camera decoded: which options, and where the address goes.
 *
 * - From 5.1 the address is on stdin, in a concat list with its options: no password in the process list.
 * - Before, an address without credentials is an argument like any other.
 * - Before, one *with* credentials is in a list too, which then cannot carry `rtsp_transport tcp`: UDP is tried first. The watchdog
 *   replaces the socket timeout.
 *
 * @param hardware decoder to take instead of its own: `h264_v4l2m2m`
 */
export function ffmpegInvocation(
  ffmpeg: Ffmpeg,
  camera: CameraOptions,
  plan: DecodingPlan,
  hardware?: string,
): Invocation {
  const level = ffmpeg.timeReport === 'stderr' ? 'info' : 'error';
  return invocation(ffmpeg, camera, plan, level, output(ffmpeg, camera, plan), hardware);
}

/** Has a camera decoded and nothing delivered: every frame and what ffmpeg knows of the stream is told on stderr. */
export const watchingInvocation = (
  ffmpeg: Ffmpeg,
  camera: Pick<CameraOptions, 'transport'>,
  plan: DecodingPlan,
): Invocation =>
  invocation(ffmpeg, camera, plan, 'info', ['-map', '0:v:0', '-an', '-vf', 'showinfo', '-f', 'null', '-']);

function invocation(
  ffmpeg: Ffmpeg,
  camera: Pick<CameraOptions, 'transport'>,
  plan: DecodingPlan,
  level: 'info' | 'error',
  delivery: readonly string[],
  hardware?: string,
): Invocation {
  const probing = Object.entries(PROBING).flatMap(([name, value]) => [`-${name}`, value]);
  const { address, economy, timeoutMs } = plan;
  const socket = {
    ...TRANSPORTS[camera.transport ?? 'tcp'],
    [ffmpeg.timeoutOption]: String(timeoutMs * 1000),
    allowed_media_types: 'video',
  };
  const common = ['-nostdin', '-hide_banner', '-nostats', '-loglevel', level];
  const skipping = economy === 'keyframes' ? ['-skip_frame', 'nokey'] : [];
  const decoder = hardware === undefined ? [] : ['-c:v', hardware];
  const input = ['-threads', '1', '-flags', 'low_delay', ...decoder, ...skipping, ...probing];
  const asArgument = !ffmpeg.listsOptions && !hasCredentials({ url: address });
  const from = asArgument
    ? [...Object.entries(socket).flatMap(([name, value]) => [`-${name}`, value]), '-i', address]
    : ['-f', 'concat', '-safe', '0', '-protocol_whitelist', 'pipe,rtsp,rtp,tcp,udp', '-i', 'pipe:0'];
  const listed = ffmpeg.listsOptions ? { ...socket, ...PROBING } : {};
  return {
    args: [...common, ...input, ...from, ...delivery],
    stdin: asArgument ? '' : concatList(address, listed),
  };
}

const TRANSPORTS = {
  tcp: { rtsp_transport: 'tcp' },
  udp: { rtsp_transport: 'udp' },
  auto: { rtsp_flags: 'prefer_tcp' },
} as const satisfies Record<Transport, Record<string, string>>;

/** Of a camera from which every frame was wanted. */
const FEWER_OF_ALL = 5;

/** The output's own `-threads 1` matters: the raw encoder otherwise holds one frame back (+40 ms at 25 fps, +200 ms at 5). */
function output(ffmpeg: Ffmpeg, { rate, workingSize }: CameraOptions, { economy, clock }: DecodingPlan): string[] {
  const fewer = rate === 0 ? FEWER_OF_ALL : rate / 2;
  const selection = {
    rate: economy === 'fewer' ? fewer : rate,
    size: workingSize,
    report: ffmpeg.timeReport,
    clock,
  };
  return [
    ...['-an', '-sn', '-dn', '-vf', filterGraph(selection)],
    ...[ffmpeg.listsOptions ? '-fps_mode' : '-vsync', 'passthrough'],
    ...['-c:v', 'ppm', '-threads', '1', '-pix_fmt', 'rgb24', '-f', 'image2pipe', '-flush_packets', '1', 'pipe:1'],
  ];
}

/** FFmpeg's concat script; within single quotes only the quote itself has a meaning. */
function concatList(address: string, options: Readonly<Record<string, string>>): string {
  const quoted = address.replaceAll("'", "'\\''").replaceAll(/[\r\n]/g, '');
  const lines = Object.entries(options).map(([name, value]) => `option ${name} ${value}`);
  return ['ffconcat version 1.0', `file '${quoted}'`, ...lines, ''].join('\n');
}
