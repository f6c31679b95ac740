import type { z } from 'zod';
import { cameraStatusSchema } from './camera-status.ts';
import { detectionsSchema } from './detections.ts';
import { CONTRACT_VERSION } from './envelope.ts';
import { infoSchema } from './info.ts';
import { stateSchema } from './state.ts';
import { telemetrySchema } from './telemetry.ts';

/** One kind of message: where it goes, how, and what it holds. */
export interface MessageKind {
  /** Under the root; `{camera}` stands for the id of a camera. */
  readonly topic: string;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  /** MQTT 5 message expiry; `intervals` counts telemetry intervals; null: none. */
  readonly expiry: { readonly seconds: number } | { readonly intervals: number } | null;
  readonly schema: z.ZodType;
}

export const MESSAGE_KINDS = {
  state: { topic: 'state', qos: 1, retain: true, expiry: null, schema: stateSchema },
  info: { topic: 'info', qos: 1, retain: true, expiry: null, schema: infoSchema },
  'camera-status': { topic: 'camera/{camera}/status', qos: 1, retain: true, expiry: null, schema: cameraStatusSchema },
  detections: {
    topic: 'camera/{camera}/detections',
    qos: 0,
    retain: false,
    expiry: { seconds: 5 },
    schema: detectionsSchema,
  },
  telemetry: { topic: 'telemetry', qos: 0, retain: false, expiry: { intervals: 2 }, schema: telemetrySchema },
} as const satisfies Record<string, MessageKind>;

export type KindName = keyof typeof MESSAGE_KINDS;
export type MessageOf<K extends KindName> = z.infer<(typeof MESSAGE_KINDS)[K]['schema']>;

/** `wayside/v1/<site>/<box>` */
export const rootTopic = (site: string, box: string): string => `wayside/v${CONTRACT_VERSION}/${site}/${box}`;

/** The topic of a message under a root. */
export function topicOf(root: string, kind: KindName, camera = ''): string {
  return `${root}/${MESSAGE_KINDS[kind].topic.replace('{camera}', camera)}`;
}
