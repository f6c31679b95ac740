import { randomUUID } from 'node:crypto';
import type { DetectionsMessage } from '../contract/messages/detections.ts';
import { readMessage } from '../contract/messages/heard.ts';
import type { KindName, MessageOf } from '../contract/messages/kinds.ts';
import { rootTopic, topicOf } from '../contract/messages/topics.ts';
import { Subscriber } from '../contract/mqtt/subscriber.ts';
import { messageOf, WaysideError } from '../core/errors.ts';
import { createLog } from '../core/log.ts';
import type { Board } from './board.ts';
import { CAMERA, SITE } from './parts/configuration.ts';
import { nowMs } from './parts/link.ts';

interface Following {
  close(): Promise<void>;
}

interface FollowListeners {
  /** Called after each analysed frame, when the board knows of it. */
  readonly onDetections: (message: DetectionsMessage) => void;
  /** Called with every message as it came, checked. */
  readonly onMessage: (topic: string, payload: Buffer) => void;
}

/**
 * Listens to one box as any control centre would: every message is checked against the published contract.
 *
 * @throws {WaysideError} BROKER_UNAVAILABLE
 */
export async function follow(
  broker: string,
  box: string,
  board: Board,
  { onDetections, onMessage }: FollowListeners,
): Promise<Following> {
  const root = rootTopic(SITE, box);
  const accept =
    <K extends KindName>(kind: K, use: (message: MessageOf<K>) => void) =>
    (payload: Buffer): void => {
      const message = readMessage(kind, payload);
      if (message !== undefined) use(message);
    };
  const listeners = new Map([
    [
      topicOf(root, 'state'),
      accept('state', (message) => {
        board.state = message;
      }),
    ],
    [
      topicOf(root, 'camera-status', { camera: CAMERA }),
      accept('camera-status', (message) => {
        board.camera = message;
      }),
    ],
    [
      topicOf(root, 'telemetry'),
      accept('telemetry', (message) => {
        board.telemetry = message;
      }),
    ],
    [
      topicOf(root, 'detections', { camera: CAMERA }),
      accept('detections', (message) => {
        board.detections(message, nowMs());
        onDetections(message);
      }),
    ],
    [
      topicOf(root, 'event', { camera: CAMERA, kind: 'crossing' }),
      accept('event', (message) => board.crossing(message)),
    ],
  ]);
  const { username, password } = new URL(broker);
  const credentials =
    username === '' ? {} : { username: decodeURIComponent(username), password: decodeURIComponent(password) };
  const clientId = `wayside-demo-${randomUUID().slice(0, 8)}`;
  const subscriber = new Subscriber({ url: broker, clientId, ...credentials }, createLog('demo'));
  for (const [topic, hear] of listeners) {
    subscriber.subscribe(topic, ({ payload }) => {
      const bytes = Buffer.from(payload);
      hear(bytes);
      onMessage(topic, bytes);
    });
  }
  try {
    await subscriber.open();
  } catch (cause) {
    throw new WaysideError('BROKER_UNAVAILABLE', {
      message: `cannot connect to the MQTT broker: ${messageOf(cause)}`,
      hint: 'check the address given with --broker; without it, an embedded broker is used',
      cause,
    });
  }
  return { close: () => subscriber.close() };
}
