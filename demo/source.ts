import { access, constants } from 'node:fs/promises';
import { messageOf, WaysideError } from '../core/errors.ts';
import type { CameraOptions } from '../daemon/camera/types.ts';
import { splitAddress } from './parts/configuration.ts';
import type { FoundFfmpeg } from './parts/ffmpeg.ts';
import { FPS } from './scene/street.ts';

/** Where the images of a run come from: the rendered street, a video file, or a camera. */
type Source = { readonly seed: number } | { readonly file: string } | { readonly url: string };

const CAMERA_PROTOCOLS = ['rtsp:', 'rtsps:'];

/** @throws {WaysideError} USAGE, FILE_NOT_FOUND */
export async function sourceOf(camera: string | undefined, seed: number): Promise<Source> {
  if (camera === undefined) return { seed };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(camera)) {
    splitAddress(camera, CAMERA_PROTOCOLS, '--camera');
    return { url: camera };
  }
  try {
    await access(camera, constants.R_OK);
  } catch (cause) {
    throw new WaysideError('FILE_NOT_FOUND', {
      message: `cannot read ${camera}: ${messageOf(cause)}`,
      hint: '--camera takes a video file or an address: rtsp://...',
      cause,
    });
  }
  return { file: camera };
}

/** A second connection to the camera, for the page. @throws {WaysideError} USAGE */
export function imagesOf(camera: string, { command, system }: FoundFfmpeg): Omit<CameraOptions, 'id' | 'workingSize'> {
  const { url, username, password } = splitAddress(camera, CAMERA_PROTOCOLS, '--camera');
  return {
    url,
    ...(username !== '' && { username }),
    ...(password !== '' && { password }),
    ...(!system && { decoder: { command: [command] } }),
    rate: FPS,
  };
}
