import { readPem, readSecret } from '../../core/config/secrets.ts';
import { WaysideError } from '../../core/errors.ts';
import { redactUrls } from '../../core/log.ts';
import type { CameraOptions } from '../../daemon/camera/types.ts';
import { cameraOptions } from '../../daemon/cameras.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import type { CountConfig } from './config.ts';
import { workingSizeFor } from './working-size.ts';

/** Whether what is counted in is an address, and no file. */
export const isAddress = (video: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(video);

/**
 * What the daemon would start for a camera. Of its configuration come the password and whom its certificate is checked against, where the
 * address is the one that stands there.
 *
 * @throws {WaysideError} USAGE, SECRET_UNREADABLE
 */
export async function liveCamera(
  url: string,
  { camera, folder, rate }: Pick<CountConfig, 'camera' | 'folder' | 'rate'>,
  preprocessing: Preprocessing,
): Promise<CameraOptions> {
  if (!/^rtsps?:\/\/[^/]/i.test(url) || !URL.canParse(url))
    throw new WaysideError('USAGE', {
      message: `expected a video file or an address rtsp:// or rtsps://, found ${redactUrls(url)}`,
    });
  const workingSize = workingSizeFor(preprocessing);
  if (camera === undefined || camera.url !== url) return { id: 'count', url, rate, workingSize };
  const password = await readSecret(camera, `cameras.${camera.id}`, folder, process.env);
  const authority = (await readPem(camera.ca, `cameras.${camera.id}.ca`, folder))?.toString('latin1');
  return { ...cameraOptions({ config: camera, password, authority }, workingSize), rate };
}
