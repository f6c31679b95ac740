import { addressOf } from '../address.ts';
import type { CameraOptions, CameraReason, VideoCodec } from '../types.ts';
import { describeCamera, withoutCredentials } from './describe.ts';
import { startRelay } from './relay.ts';
import { endpointOf } from './socket.ts';

/** How a decoder gets to a camera that was found. */
export interface Route {
  /** With the credentials, where the camera is the configured one. */
  readonly address: string;
  /** ms between two frames where the camera tells; 0 where it does not. */
  readonly intervalMs: number;
  /** Undefined where the camera does not tell, or it is one that no hardware decodes. */
  readonly codec: VideoCodec | undefined;
  /** Why the way was barred, where it was. */
  readonly fault: () => CameraReason | undefined;
  /** To be called when the decoder is gone. */
  readonly close: () => void;
}

const NOTHING = (): undefined => undefined;

/**
 * Finds a camera: asks it what it has, follows its redirections, and opens the way through TLS.
 *
 * @throws {CameraFault} with the reason why there is no way
 */
export async function findRoute(camera: CameraOptions, timeoutMs: number, signal: AbortSignal): Promise<Route> {
  const trust = camera.trust ?? {};
  const credentials = credentialsOf(camera);
  const found = await describeCamera({ url: withoutCredentials(camera.url), credentials, trust, timeoutMs, signal });
  const { frameIntervalMs: intervalMs = 0, codec } = found;
  const addressed = (url: string): string =>
    found.ours ? addressOf({ ...camera, url: withSecrets(url, camera) }) : url;
  const endpoint = endpointOf(found.url);
  if (!endpoint.tls) return { address: addressed(found.url), intervalMs, codec, fault: NOTHING, close: NOTHING };
  const relay = await startRelay(endpoint, trust, timeoutMs);
  const path = found.url.replace(/^rtsps:\/\/[^/?#]*/i, '');
  return {
    address: addressed(`rtsp://127.0.0.1:${relay.port}${path}`),
    intervalMs,
    codec,
    fault: () => relay.fault,
    close: () => relay.close(),
  };
}

const USER_INFO = /^rtsps?:\/\/([^:@/?#]*)(?::([^@/?#]*))?@/i;

function credentialsOf({ url, username, password }: CameraOptions): { username: string; password: string } | undefined {
  if (username !== undefined) return { username, password: password ?? '' };
  const [, user, secret] = USER_INFO.exec(url) ?? [];
  return user === undefined ? undefined : { username: decoded(user), password: decoded(secret ?? '') };
}

/** Credentials that the configured address brings itself are carried over to where the camera was found. */
function withSecrets(url: string, camera: CameraOptions): string {
  const secrets = /^rtsps?:\/\/([^/?#]*@)/i.exec(camera.url)?.[1] ?? '';
  return url.replace('://', () => `://${secrets}`);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a bare `%`: it is meant
  }
}
