import type { StateMessage, StateReason } from '../contract/messages/state.ts';
import type { OtherBox } from '../contract/mqtt/other-box.ts';
import type { PublisherStatus } from '../contract/mqtt/publisher.ts';
import type { CameraReason, CameraState, CameraStatus } from './camera/types.ts';
import type { Ready } from './inference/protocol.ts';
import type { ServiceStatus } from './inference/service.ts';

interface Conditions {
  readonly cameras: readonly CameraStatus[];
  readonly inference: ServiceStatus;
  /** Why no model is in use, or the newest one is not. */
  readonly modelRefused: string | undefined;
  /** Why another model runs than the one preferred. */
  readonly modelFallback?: string | undefined;
  /** Why the newest configuration is not in use. */
  readonly configurationRefused: string | undefined;
  readonly broker?: BrokerConditions;
  /** A model that was made for the rendered street, on cameras of a real one. */
  readonly demonstration?: string | undefined;
  /** What is to be counted, and with what; undefined where nothing is. */
  readonly counting?: CountingConditions | undefined;
  /** Why the journal cannot be written. */
  readonly journalFailing?: string | undefined;
  /** What the machine does not give enough of. */
  readonly short?: string | undefined;
}

interface CountingConditions {
  /** Cameras on which lines or zones are drawn, and a classifier is shown no more than regions. */
  readonly withoutProposals: readonly string[];
  readonly kept: boolean;
  /** The model in use; undefined while there is none. */
  readonly model: Pick<Ready, 'task' | 'model'> | undefined;
}

/** What is wrong between the box and its broker although they speak with each other. */
interface BrokerConditions {
  readonly refusedTopics: PublisherStatus['refusedTopics'];
  readonly unstable: PublisherStatus['unstable'];
  readonly other: OtherBox | undefined;
}

const CAMERA_CODES: Readonly<Record<CameraState, StateReason['code'] | undefined>> = {
  connecting: 'camera-connecting',
  live: undefined,
  stalled: 'camera-stalled',
  refused: 'camera-refused',
  stopped: undefined,
};

/** What can be wrong with a camera that is live. */
const CONCERN_CODES: Readonly<Partial<Record<CameraReason['code'], StateReason['code']>>> = {
  CAMERA_BEHIND: 'camera-behind',
  CAMERA_CLOCK: 'camera-clock',
  CAMERA_VIEW: 'camera-view',
};
function brokerReasons({ refusedTopics, unstable, other }: BrokerConditions): StateReason[] {
  const reasons: StateReason[] = refusedTopics.map(({ topic, reason }) => ({
    code: 'topic-refused',
    message: `${topic}: ${reason}`,
  }));
  if (other !== undefined) {
    const where = other.sameMachine === null ? '' : other.sameMachine ? ', on this machine' : ', on another machine';
    reasons.push({
      code: 'id-conflict',
      message: `another box reports under this name: session ${other.session}${where}`,
    });
  }
  if (unstable !== undefined) {
    const { losses, reason } = unstable;
    reasons.push({
      code: 'connection-unstable',
      message: `${losses} connections in a row were lost soon after they were made (${reason}): another client may use the same client id`,
    });
  }
  return reasons;
}

function countingReasons({ withoutProposals, kept, model }: CountingConditions): StateReason[] {
  const reasons: StateReason[] = [];
  if (!kept)
    reasons.push({
      code: 'counts-unkept',
      message: 'counts and events have no journal to be kept in and are not sent: name `journal.folder`',
    });
  if (model?.task === 'classification' && withoutProposals.length > 0)
    reasons.push({
      code: 'counts-impossible',
      message: `the model ${model.model.name} finds no objects, and lines or zones are drawn on ${withoutProposals.join(', ')}`,
    });
  return reasons;
}

/** What the box is, as the control centre sees it: `online` only when every part works. */
export function stateOf(conditions: Conditions): Pick<StateMessage, 'state' | 'reasons'> {
  const reasons: StateReason[] = [];
  const { inference, modelRefused, configurationRefused } = conditions;
  if (configurationRefused !== undefined)
    reasons.push({ code: 'configuration-refused', message: configurationRefused });
  if (modelRefused !== undefined) reasons.push({ code: 'model-refused', message: modelRefused });
  if (conditions.modelFallback !== undefined)
    reasons.push({ code: 'model-fallback', message: conditions.modelFallback });
  // Between its own start and that of the model the daemon analyses nothing either.
  const unstarted = inference.state === 'stopped' && modelRefused === undefined;
  if (unstarted || inference.state === 'starting')
    reasons.push({ code: 'inference-starting', message: 'the model is being loaded' });
  if (inference.state === 'down') {
    const { code, message } = inference.fault ?? { code: 'INFERENCE_LOST', message: 'not running' };
    reasons.push({ code: 'inference-down', message: `${code}: ${message}` });
  }
  if (conditions.short !== undefined) reasons.push({ code: 'resources-short', message: conditions.short });
  if (conditions.demonstration !== undefined)
    reasons.push({
      code: 'model-demonstration',
      message: `the model ${conditions.demonstration} was made for a rendered street: what it says of a real one is worth nothing`,
    });
  if (conditions.counting !== undefined) reasons.push(...countingReasons(conditions.counting));
  if (conditions.journalFailing !== undefined)
    reasons.push({ code: 'journal-failing', message: `messages wait in memory: ${conditions.journalFailing}` });
  if (conditions.broker !== undefined) reasons.push(...brokerReasons(conditions.broker));
  for (const camera of conditions.cameras) {
    for (const concern of camera.concerns) {
      const code = CONCERN_CODES[concern.code];
      if (code !== undefined) reasons.push({ code, camera: camera.id, message: `${concern.code}: ${concern.message}` });
    }
    const code = CAMERA_CODES[camera.state];
    if (code === undefined) continue;
    const message = camera.reason === undefined ? camera.state : `${camera.reason.code}: ${camera.reason.message}`;
    reasons.push({ code, camera: camera.id, message });
  }
  return { state: reasons.length === 0 ? 'online' : 'degraded', reasons };
}
