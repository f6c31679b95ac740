import type { z } from 'zod';
import { alarmSchema } from './alarm.ts';
import { cameraStatusSchema } from './camera-status.ts';
import { countsSchema } from './counts.ts';
import type { Delivery } from './delivery.ts';
import { detectionsSchema } from './detections.ts';
import { eventSchema } from './event.ts';
import { infoSchema } from './info.ts';
import { journalCheckpointSchema, journalGapSchema } from './journal.ts';
import { modelDesiredSchema } from './model-desired.ts';
import { modelReportSchema } from './model-report.ts';
import { rolloutSchema } from './rollout.ts';
import { stateSchema } from './state.ts';
import { telemetrySchema } from './telemetry.ts';

/** One kind of message: where it goes, how, and what it holds. */
export interface MessageKind {
  /** Under the root; `{camera}` stands for a parameter that {@link TOPIC_PARAMETERS} describes. */
  readonly topic: string;
  readonly delivery: Delivery;
  /** What it says, for the table of docs/reference/mqtt.md. */
  readonly content: string;
  /** Who writes it. */
  readonly from: 'box' | 'office';
  readonly schema: z.ZodType;
}

/** Every message of the contract: the codes, the published documents and the listeners all read these rows. */
export const MESSAGE_KINDS = {
  state: {
    topic: 'state',
    content: 'online, degraded or offline, with reasons; also the last will',
    delivery: { kind: 'retained' },
    from: 'box',
    schema: stateSchema,
  },
  info: {
    topic: 'info',
    content: 'versions, model and its digest, cameras, digest of the configuration, hardware',
    delivery: { kind: 'retained' },
    from: 'box',
    schema: infoSchema,
  },
  alarm: {
    topic: 'alarm/{code}',
    content: 'while a reason of the state holds: severity, since when, what to do; empty when it no longer does',
    delivery: { kind: 'retained' },
    from: 'box',
    schema: alarmSchema,
  },
  'camera-status': {
    topic: 'camera/{camera}/status',
    content:
      'connecting, live, stalled, refused or stopped, with the reason; what it shows (`view`), how late (`lagMs`); frames received, analysed, dropped',
    delivery: { kind: 'retained' },
    from: 'box',
    schema: cameraStatusSchema,
  },
  detections: {
    topic: 'camera/{camera}/detections',
    content: 'the classes of every region, or the objects, of one analysed frame',
    delivery: { kind: 'latest', expiry: { seconds: 5 } },
    from: 'box',
    schema: detectionsSchema,
  },
  event: {
    topic: 'camera/{camera}/event/{kind}',
    content:
      'what one object did: crossed a line, entered, left or stopped in a zone, went the wrong way, completed a movement',
    delivery: { kind: 'journalled', expiry: { seconds: 7 * 86_400 } },
    from: 'box',
    schema: eventSchema,
  },
  counts: {
    topic: 'camera/{camera}/counts',
    content:
      'what passed in an even interval of the wall clock, by line, direction, lane and class, and how much of it was seen',
    delivery: { kind: 'journalled', expiry: { seconds: 30 * 86_400 } },
    from: 'box',
    schema: countsSchema,
  },
  telemetry: {
    topic: 'telemetry',
    content: 'resources of the host, latencies of every stage, memory of every process',
    delivery: { kind: 'latest', expiry: { intervals: 2 } },
    from: 'box',
    schema: telemetrySchema,
  },
  'journal-gap': {
    topic: 'journal/gap',
    content: 'journalled messages that are lost, by their numbers, and why',
    delivery: { kind: 'journalled', expiry: { seconds: 30 * 86_400 } },
    from: 'box',
    schema: journalGapSchema,
  },
  'journal-checkpoint': {
    topic: 'journal/checkpoint',
    content: 'how far the journal of the box has come: number, chain head, signature',
    delivery: { kind: 'retained' },
    from: 'box',
    schema: journalCheckpointSchema,
  },
  'model-desired': {
    topic: 'model/desired',
    content:
      'written by the office: the model that the box should run, with a job number that only rises; also under `wayside/v1/<site>/_group/<group>/`',
    delivery: { kind: 'retained' },
    from: 'office',
    schema: modelDesiredSchema,
  },
  'model-report': {
    topic: 'model/report',
    content: 'how far the box is with it: state, what runs and how many frames it has served, why it was taken back',
    delivery: { kind: 'retained' },
    from: 'box',
    schema: modelReportSchema,
  },
  rollout: {
    topic: 'rollout',
    content: 'written and read by the office alone, under `wayside/v1/<site>/_office/`: where a rollout is',
    delivery: { kind: 'retained' },
    from: 'office',
    schema: rolloutSchema,
  },
} as const satisfies Record<string, MessageKind>;

export type KindName = keyof typeof MESSAGE_KINDS;
export type MessageOf<K extends KindName> = z.infer<(typeof MESSAGE_KINDS)[K]['schema']>;

/** The kinds with one delivery that a box sends. */
export type KindDelivered<D extends Delivery['kind']> = {
  [K in KindName]: (typeof MESSAGE_KINDS)[K] extends { readonly from: 'box'; readonly delivery: { readonly kind: D } }
    ? K
    : never;
}[KindName];

/** The names in braces of a pattern. */
type NamesIn<Pattern extends string> = Pattern extends `${string}{${infer Name}}${infer Rest}`
  ? Name | NamesIn<Rest>
  : never;

type NamesOf<K extends KindName> = NamesIn<(typeof MESSAGE_KINDS)[K]['topic']>;

/** What the topic of a kind wants to be told, as the last argument: nothing where its pattern names nothing. */
export type TopicParameters<K extends KindName> = [NamesOf<K>] extends [never]
  ? []
  : [parameters: Readonly<Record<NamesOf<K>, string>>];

/** Every parameter of a topic below the root, for a reader. */
export const TOPIC_PARAMETERS: Readonly<Record<NamesOf<KindName>, string>> = {
  camera: 'the camera, as configured',
  kind: 'the kind of event, as in `event`',
  code: 'the code of the alarm, as in `code`',
};
