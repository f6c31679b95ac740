import { z } from 'zod';
import { envelope, instant, schemaName } from './envelope.ts';
import { type StateReason, stateReasonSchema } from './state.ts';

/** Perceived severity (ITU-T X.733, 8.1.2.3), without those that nothing here has. */
const SEVERITIES = ['critical', 'major', 'minor'] as const;

/** A box that has ended has no alarms: its state says so. */
const codeSchema = stateReasonSchema.shape.code.exclude(['stopped', 'connection-lost']);
export type AlarmCode = z.infer<typeof codeSchema>;

interface AlarmKind {
  /** `critical`: nothing is analysed or nothing reaches the centre; `major`: a part of that, or what is said cannot be relied on; `minor`: all works still. */
  readonly severity: (typeof SEVERITIES)[number];
  /** What a person can do about it, a sentence. */
  readonly action: string;
  /** Raised once it has lasted so long: it belongs to every start. @default 0 */
  readonly afterSeconds?: number;
}

const LOOK_AT_CAMERA = 'Look at the camera, its power and its network; `wayside camera` asks it from the box.';

/** What of a state's reasons is an alarm: all of them. */
export const ALARMS: Readonly<Record<AlarmCode, AlarmKind>> = {
  'camera-connecting': { severity: 'major', afterSeconds: 60, action: LOOK_AT_CAMERA },
  'camera-stalled': { severity: 'major', action: LOOK_AT_CAMERA },
  'camera-refused': {
    severity: 'major',
    action: 'Check user name, password and path of the camera in the configuration, and send SIGHUP.',
  },
  'camera-behind': {
    severity: 'minor',
    action: 'Lower `rate`, take a smaller stream of the camera, or give the box fewer cameras.',
  },
  'camera-clock': { severity: 'minor', action: 'Set the clock of the camera by NTP, or restart it.' },
  'camera-view': { severity: 'major', action: 'Look at what the camera shows: clean it, uncover it, or turn it back.' },
  'inference-starting': {
    severity: 'critical',
    afterSeconds: 60,
    action: 'Look at the log of the daemon: a model is loaded within seconds.',
  },
  'inference-down': {
    severity: 'critical',
    action: 'Look at the log of the daemon; where it goes on, give the model more memory or time, or roll it back.',
  },
  'model-refused': {
    severity: 'major',
    action: 'Install the package again: `wayside store verify` and `wayside store import`, or a rollout.',
  },
  'model-fallback': {
    severity: 'major',
    action: 'Install the package again: `wayside store verify` and `wayside store import`, or a rollout.',
  },
  'configuration-refused': {
    severity: 'major',
    action: 'Mend the configuration, try it with `wayside daemon --check`, and send SIGHUP.',
  },
  'resources-short': { severity: 'major', action: 'Raise the limits of the unit, or configure fewer cameras.' },
  'topic-refused': {
    severity: 'major',
    action: 'Let the box write to the topic in the access control list of the broker.',
  },
  'journal-failing': {
    severity: 'critical',
    action: 'Make room on the disk or give the folder back to the daemon: what memory does not hold is lost.',
  },
  'counts-unkept': { severity: 'major', action: 'Name `journal.folder` in the configuration.' },
  'counts-impossible': {
    severity: 'major',
    action: 'Roll out a detector, set `proposals` of the camera to `motion`, or take lines and zones out.',
  },
  'model-demonstration': {
    severity: 'major',
    action: 'Import a model that was made for the street: `wayside store import`.',
  },
  'id-conflict': { severity: 'major', action: 'Give each box its own `box` in the configuration.' },
  'connection-unstable': {
    severity: 'major',
    action: 'Look for another client with the same `clientId`, and for topics over which the broker ends connections.',
  },
};

/** Whether a reason of a state is one that raises an alarm. */
export const isAlarm = (code: StateReason['code']): code is AlarmCode => code in ALARMS;

export const alarmSchema = z
  .strictObject({
    schema: schemaName('alarm'),
    ...envelope,
    code: codeSchema.meta({ description: 'as in `reasons` of the state, and in the topic' }),
    severity: z.enum(SEVERITIES).meta({
      description:
        'critical: nothing is analysed, or nothing that must not be lost is safe; major: a part of the box does not work, or what it says cannot be relied on; minor: it works, less well',
    }),
    since: instant.meta({ description: 'when the oldest of its causes was first seen in this run of the daemon' }),
    action: z.string().meta({ description: 'what a person can do about it' }),
    causes: z
      .array(
        z.strictObject({
          camera: z.string().nullable().meta({ description: 'the camera it is about; null: the box' }),
          message: z.string().meta({ description: 'one line for a person, without secrets' }),
        }),
      )
      .min(1),
  })
  .meta({
    title: 'Something on a box wants a person',
    description:
      'Retained while it holds, and removed by an empty message. Made from the reasons of the state: both always say the same. The alarms of a box that is lost are those of its last moment: `state` says that it is offline.',
  });

export type AlarmMessage = z.infer<typeof alarmSchema>;
