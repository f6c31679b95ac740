import type { PublisherStatus } from '../contract/mqtt/publisher.ts';
import type { CameraStatus } from './camera/types.ts';
import type { ServiceStatus } from './inference/service.ts';

/** What the watchdog looks at. Times in ms of `performance.now()`. */
export interface Situation {
  readonly now: number;
  readonly cameras: readonly CameraStatus[];
  readonly inference: ServiceStatus;
  readonly hangMs: number;
  readonly mqtt: PublisherStatus;
  /** Since when a frame has waited although the inference process was idle; undefined when none does. */
  readonly undispatchedSince: number | undefined;
}

/** What each part is allowed to be late by before it counts as broken rather than busy. */
const GRACE_MS = 5000;
/** Loading a model and its golden samples may take ten hang times: the client kills it then. */
const LOADING = 10;
/** Longest connection attempt of the MQTT client: 10 s for TCP and TLS, 10 s for CONNACK. */
const MQTT_ATTEMPT_MS = 20_000;

/** Cameras that are called live although stall detection must have acted long ago. */
export const stuckCameras = ({ cameras }: Pick<Situation, 'cameras'>): CameraStatus[] =>
  cameras.filter(
    ({ state, lastFrameAgeMs, silenceAllowedMs }) =>
      state === 'live' && (lastFrameAgeMs ?? 0) > 2 * silenceAllowedMs + GRACE_MS,
  );

/**
 * Which parts of the daemon no longer do what they promise to do within a bounded time. A camera that is off, a broker
 * that is down or a model that crashes are no such case: they are being handled. This is about handling that has stopped.
 *
 * @returns one line a part; empty when the watchdog may be fed
 */
export function stuckParts({ now, cameras, inference, hangMs, mqtt, undispatchedSince }: Situation): string[] {
  const stuck = stuckCameras({ cameras }).map(
    ({ id, lastFrameAgeMs }) => `camera ${id} is called live without a frame for ${Math.round(lastFrameAgeMs ?? 0)} ms`,
  );
  const owed = hangMs * (inference.state === 'ready' ? 1 : LOADING) + GRACE_MS;
  if (inference.owedMs > owed) stuck.push(`inference has owed an answer for ${Math.round(inference.owedMs)} ms`);
  if (inference.nextAttemptAt !== undefined && now > inference.nextAttemptAt + GRACE_MS) {
    stuck.push('the inference process was not started again');
  }
  if (undispatchedSince !== undefined && now - undispatchedSince > GRACE_MS)
    stuck.push('frames wait although inference is idle');
  if (mqtt.nextAttemptAt !== undefined && now > mqtt.nextAttemptAt + GRACE_MS)
    stuck.push('the broker was not tried again');
  if (mqtt.attemptSince !== undefined && now > mqtt.attemptSince + MQTT_ATTEMPT_MS + GRACE_MS) {
    stuck.push('the attempt to reach the broker does not end');
  }
  return stuck;
}
