import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { examineConfig, parseConfig } from '../../core/config/examine.ts';
import { id, within } from '../../core/config/fields.ts';
import { WaysideError } from '../../core/errors.ts';
import { readNamedFile } from '../../core/files.ts';
import { type CameraConfig, configSchema } from '../../daemon/config/schema.ts';
import {
  countingSchema,
  hasLength,
  lineFields,
  movementsFit,
  placesDiffer,
  trafficFields,
} from '../../daemon/config/traffic-schema.ts';

const lineSchema = z
  .strictObject({
    ...lineFields,
    /** What `forward` and `backward` are here, for people. */
    direction: z.string().optional(),
  })
  .refine(hasLength.check, { error: hasLength.error });

const { classes, intervals } = countingSchema.shape;
const notTwice = (key: string): { error: string; path: string[] } => ({
  error: 'it at most once: here, or in `counting`',
  path: [key],
});

/** What is looked for in a video: the keys of a camera of the daemon, and its `counting`. */
const settingsSchema = z
  .strictObject({
    ...trafficFields,
    lines: z.array(lineSchema).max(64).default([]),
    counting: countingSchema.extend({ intervals: intervals.removeDefault().optional() }).optional(),
    /** Seconds of an interval, where those of the daemon are too long. */
    intervalSeconds: within(1, 86_400).optional(),
    /** Frames a second that are looked at; 0 for all. */
    rate: within(0, 120).default(10),
    classes,
  })
  .refine(({ lines, zones }) => lines.length + zones.length > 0, {
    error: 'at least one line or zone',
    path: ['lines'],
  })
  .refine(placesDiffer.check, placesDiffer.params)
  .refine(movementsFit.check, movementsFit.params)
  .refine((all) => all.classes === undefined || all.counting?.classes === undefined, notTwice('classes'))
  .refine(
    (all) => all.intervalSeconds === undefined || all.counting?.intervals === undefined,
    notTwice('intervalSeconds'),
  );

const countSchema = settingsSchema.refine(({ lines, zones }) => lines.length + zones.length > 0, {
  error: 'at least one line or zone',
  path: ['lines'],
});

type CountFile = z.infer<typeof countSchema>;

export interface CountConfig extends Pick<CountFile, 'lines' | 'zones' | 'movements' | 'calibration' | 'rate'> {
  readonly intervalSeconds: number;
  readonly classes: CountFile['classes'];
  readonly selfAudit: boolean;
  /** Of the daemon's configuration; undefined where lines stand alone. */
  readonly camera: CameraConfig | undefined;
  /** Of the file: relative paths in it start here. */
  readonly folder: string;
}

/** A hand count, of which the lines are the configuration. */
const handCountSchema = z.looseObject({
  lines: z.array(z.looseObject({ id, from: lineFields.from, to: lineFields.to })).min(1),
  crossings: z.array(z.unknown()),
});

interface ReadOptions {
  /** Its id in the configuration of a daemon. */
  readonly camera?: string | undefined;
  /** False where lines come with every clip. @default true */
  readonly linesNeeded?: boolean;
}

const DEFAULT_INTERVAL_SECONDS = 60;

/**
 * Reads what to count: YAML or JSON; a hand count, whose lines are taken; or the configuration of a daemon, of which one camera is taken.
 *
 * @throws {WaysideError} FILE_NOT_FOUND, CONFIG_INVALID, USAGE
 */
export async function readCountConfig(
  path: string,
  { camera, linesNeeded = true }: ReadOptions = {},
): Promise<CountConfig> {
  const text = (await readNamedFile(path)).toString('utf8');
  const folder = dirname(resolve(path));
  if (isOfDaemon(text, path)) return ofDaemon(text, path, folder, camera);
  if (camera !== undefined)
    throw new WaysideError('USAGE', {
      message: `${path}: no configuration of a daemon: it has no cameras`,
      hint: 'leave --camera out',
    });
  if (!isHandCount(text)) return ofFile(parseConfig(text, path, linesNeeded ? countSchema : settingsSchema), folder);
  const { lines: drawn } = parseConfig(text, path, handCountSchema);
  const lines = drawn.map(({ id: name, from, to }) => ({ id: name, from, to }));
  return ofFile(parseConfig(JSON.stringify({ lines }), path, countSchema), folder);
}

/** Of several lengths of the daemon the shortest is shown: the longer ones are sums of it. */
function ofFile({ counting, intervalSeconds, classes: asked, ...rest }: CountFile, folder: string): CountConfig {
  return {
    ...rest,
    intervalSeconds: intervalSeconds ?? Math.min(...(counting?.intervals ?? [DEFAULT_INTERVAL_SECONDS])),
    classes: asked ?? counting?.classes,
    selfAudit: counting?.selfAudit ?? false,
    camera: undefined,
    folder,
  };
}

function ofDaemon(text: string, path: string, folder: string, asked: string | undefined): CountConfig {
  const { cameras, counting } = parseConfig(text, path, configSchema);
  const ids = cameras.map((each) => each.id).join(', ');
  const camera = asked === undefined && cameras.length === 1 ? cameras[0] : cameras.find((each) => each.id === asked);
  if (camera === undefined)
    throw new WaysideError('USAGE', {
      message:
        asked === undefined ? `${path}: which camera is not said` : `${path}: no camera ${JSON.stringify(asked)}`,
      hint: `name one: --camera, of ${ids}`,
    });
  const { lines, zones, movements, calibration, rate } = camera;
  if (lines.length + zones.length === 0)
    throw new WaysideError('CONFIG_INVALID', {
      message: `${path}: camera ${camera.id}: expected at least one line or zone, found none`,
    });
  const intervalSeconds = Math.min(...counting.intervals);
  const { classes: counted, selfAudit } = counting;
  return { lines, zones, movements, calibration, rate, intervalSeconds, classes: counted, selfAudit, camera, folder };
}

const isOfDaemon = (text: string, path: string): boolean =>
  examineConfig(text, path, z.looseObject({ cameras: z.unknown() })).config?.cameras !== undefined;

function isHandCount(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'crossings' in value;
  } catch {
    return false; // YAML, or broken: the schema says so
  }
}
