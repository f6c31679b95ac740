import type { VideoCodec } from '../types.ts';
import { CameraFault } from './fault.ts';

/** What the session description of a camera (RFC 8866) says that matters before a decoder is started. */
export interface Description {
  /** ms between two frames where the camera tells its rate. */
  readonly frameIntervalMs: number | undefined;
  /** Of its first video; undefined where it is another, or the camera does not say. */
  readonly codec: VideoCodec | undefined;
}

/** Encoding names of RTP (RFC 6184, RFC 7798). */
const CODECS: ReadonlyMap<string, VideoCodec> = new Map([
  ['H264', 'h264'],
  ['H265', 'hevc'],
]);

/** @throws {CameraFault} CAMERA_NO_VIDEO */
export function readDescription(sdp: string): Description {
  const lines = sdp.split(/\r?\n/).map((line) => line.trim());
  if (!lines.some((line) => line.startsWith('v=') || line.startsWith('m='))) {
    throw new CameraFault('CAMERA_NO_VIDEO', 'the camera describes nothing: its session description is empty');
  }
  const media = lines.flatMap((line) => /^m=(\w+)/.exec(line)?.[1] ?? []);
  if (!media.includes('video')) {
    const only = media.length === 0 ? 'no media at all' : `${[...new Set(media)].join(', ')} only`;
    throw new CameraFault('CAMERA_NO_VIDEO', `the camera offers no video: ${only}`);
  }
  const rate = Number(lines.flatMap((line) => /^a=framerate:\s*([\d.]+)/i.exec(line)?.[1] ?? [])[0]);
  return { frameIntervalMs: rate >= 0.001 && rate <= 1000 ? 1000 / rate : undefined, codec: codecOf(lines) };
}

function codecOf(lines: readonly string[]): VideoCodec | undefined {
  const from = lines.findIndex((line) => line.startsWith('m=video'));
  const next = lines.findIndex((line, index) => index > from && line.startsWith('m='));
  const video = lines.slice(from, next === -1 ? undefined : next);
  const name = video.flatMap((line) => /^a=rtpmap:\d+ +([\w-]+)\//.exec(line)?.[1] ?? [])[0];
  return CODECS.get(name?.toUpperCase() ?? '');
}
