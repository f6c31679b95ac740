import { asWaysideError, type ErrorCode } from '../../../core/errors.ts';
import { isFindingTask } from '../../../inference/heads/any-head.ts';
import { needsAddress } from '../../camera/decoder-command.ts';
import type { CameraFacts } from '../../camera/probe.ts';
import type { CameraConfig } from '../../config/schema.ts';
import { motionPlacesOf, regionsOf } from '../../regions/regions.ts';
import { LARGEST_SIDE } from '../../regions/working-size.ts';
import type { Box } from '../box.ts';
import { check, type Findings } from '../check.ts';

/** A decoder that starts anew shows nothing until the next keyframe. */
const MOST_KEYFRAME_SECONDS = 4;
const MOST_FIRST_FRAME_MS = 5000;
/** Full HD. A wider image is scaled down again at once, after all of it was decoded. */
const MOST_WIDTH = 1920;
/** Times what the model needs: an 8 times finer image costs 64 times the pixels. */
const MOST_SURPLUS = 8;
/** Opened at once: enough that 64 cameras take minutes, few enough that a small box tells their delays truly. */
const TOGETHER = 4;
const CODECS: readonly string[] = ['h264', 'hevc'];

type Names =
  | 'unreachable'
  | 'refused'
  | 'no-video'
  | 'transport'
  | 'tls'
  | 'codec'
  | 'large'
  | 'keyframes'
  | 'slow-start';

const REASONS: Partial<Readonly<Record<ErrorCode, Names>>> = {
  CAMERA_LOST: 'unreachable',
  CAMERA_REFUSED: 'refused',
  CAMERA_NOT_RTSP: 'no-video',
  CAMERA_NO_VIDEO: 'no-video',
  CAMERA_TRANSPORT: 'transport',
  CAMERA_REDIRECT: 'tls',
  CAMERA_TLS: 'tls',
};

export const camera = check({
  name: 'camera',
  title: 'cameras, each by its stream',
  faults: {
    unreachable: {
      severity: 'failure',
      when: 'nothing answers at its address, or no image comes',
      remedy: '`ping {host}`; power, cable and switch port of the camera; `cameras[].url` in {path}',
    },
    refused: {
      severity: 'failure',
      when: 'it denies the user, the password, or the path of the address',
      remedy:
        'correct `username`, the file behind `passwordFile`, and the path of `url` for camera {id} in {path}; three wrong attempts lock some cameras for minutes',
    },
    'no-video': {
      severity: 'failure',
      when: 'what answers there is no RTSP server, or offers no video',
      remedy: 'the camera’s page under “RTSP” or “Stream” names port and path: correct `url` of camera {id} in {path}',
    },
    transport: {
      severity: 'failure',
      when: 'it refuses RTP inside the connection',
      remedy: '`transport: udp` (or `auto`) for camera {id} in {path}, then `systemctl reload wayside`',
    },
    tls: {
      severity: 'failure',
      when: 'its certificate is not trusted, or it leads elsewhere',
      remedy: '`ca:` with its certificate for camera {id} in {path}: `openssl s_client -showcerts -connect {host}`',
    },
    codec: {
      severity: 'warning',
      when: 'it sends neither H.264 nor H.265: many times the bytes, and no board decodes it in hardware',
      remedy: 'choose H.264 (or H.265) for this stream on the camera’s page',
    },
    large: {
      severity: 'warning',
      when: 'its image is far larger than the model can use: decoding it takes most of the box’s processor for nothing',
      remedy:
        'use the camera’s sub-stream: another path in `url` of camera {id} in {path}, or a smaller size on its page',
    },
    keyframes: {
      severity: 'warning',
      when: 'more than 4 s between keyframes: after every interruption the camera is dark for so long',
      remedy: 'set the keyframe interval (GOP, I-frame) on the camera’s page to 2 s',
    },
    'slow-start': {
      severity: 'warning',
      when: 'its first image comes after more than 5 s',
      remedy: 'set its keyframe interval to 2 s; see how busy it is: other viewers, `ping {host}`',
    },
  },
  async run(box, findings) {
    const cameras = box.daemon.config?.cameras;
    if (cameras === undefined) return findings.skipped('the configuration cannot be read');
    for (let from = 0; from < cameras.length; from += TOGETHER)
      await Promise.all(cameras.slice(from, from + TOGETHER).map((each) => look(box, each, findings)));
  },
});

async function look(box: Box, config: CameraConfig, findings: Findings<Names>): Promise<void> {
  const subject = config.id;
  const { hostname, port } = new URL(config.url.replace(/^rtsp/i, 'http'));
  const about = { subject, id: subject, path: box.daemon.path, host: port === '' ? hostname : `${hostname}:${port}` };
  if (!needsAddress(config.decoder === undefined ? {} : { decoder: config.decoder }))
    return findings.skipped('its decoder has a source of its own', subject);
  let facts: CameraFacts;
  try {
    facts = await box.measures.camera({ config, folder: box.daemon.folder });
  } catch (thrown) {
    box.signal.throwIfAborted();
    const { code, message } = asWaysideError(thrown);
    const name = REASONS[code];
    if (name === undefined) findings.skipped(`${code}: ${message}`, subject);
    else findings.fault(name, message, about);
    return;
  }
  const { codec, profile, width, height, framesPerSecond, keyframeSeconds, firstFrameMs } = facts;
  const shown = `${codec}${profile === null ? '' : ` ${profile}`}, ${width}x${height}`;
  let faults = 0;
  const found = (name: Names, seen: string): void => {
    faults++;
    findings.fault(name, seen, about);
  };
  if (!CODECS.includes(codec)) found('codec', shown);
  const needed = await neededWidth(box, config);
  if (width > MOST_WIDTH || (needed !== undefined && width > needed * MOST_SURPLUS && width > 1280))
    found('large', `${shown}${needed === undefined ? '' : `, of use to the model up to ${needed} pixels wide`}`);
  if (keyframeSeconds !== null && keyframeSeconds > MOST_KEYFRAME_SECONDS)
    found('keyframes', `${keyframeSeconds.toFixed(1)} s between keyframes`);
  if (firstFrameMs > MOST_FIRST_FRAME_MS)
    found('slow-start', `first image after ${(firstFrameMs / 1000).toFixed(1)} s`);
  if (faults > 0) return;
  const rate = framesPerSecond === null ? '' : `, ${framesPerSecond} frames/s`;
  const keys = keyframeSeconds === null ? '' : `, keyframe every ${keyframeSeconds.toFixed(1)} s`;
  findings.ok(`${shown}${rate}${keys}, first image after ${(firstFrameMs / 1000).toFixed(1)} s`, subject);
}

/** Of the whole image, so that its narrowest region has as many pixels as the model's input; what moves is as small as can be. */
async function neededWidth({ measures, daemon }: Box, camera: CameraConfig): Promise<number | undefined> {
  if (daemon.config === undefined) return undefined;
  const model = await measures.model({ config: daemon.config, folder: daemon.folder }).catch(() => undefined); // see `model`
  if (model !== undefined && motionPlacesOf(camera) !== undefined && !isFindingTask(model.task)) return LARGEST_SIDE;
  const narrowest = Math.min(1, ...regionsOf(camera).map(({ box: [, , width] }) => width));
  return model === undefined ? undefined : Math.ceil(model.size[1] / narrowest);
}
