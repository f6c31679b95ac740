import { z } from 'zod';
import { parseConfig } from '../../core/config/examine.ts';
import { id, within } from '../../core/config/fields.ts';
import { readNamedFile } from '../../core/files.ts';

const share = within(0, 1);
const point = z.tuple([share, share], { error: 'two shares of the image: [x, y]' });
const differ = (items: readonly { readonly id: string }[]): boolean =>
  new Set(items.map((item) => item.id)).size === items.length;

const lineSchema = z
  .strictObject({
    id,
    /** In shares of the image, from the top left. */
    from: point,
    to: point,
    /** What `forward` and `backward` are here, for people. */
    direction: z.string().optional(),
  })
  .refine(({ from, to }) => Math.hypot(from[0] - to[0], from[1] - to[1]) > 0.01, {
    error: 'a line whose ends are apart by more than a hundredth of the image',
  });

const lines = z
  .array(lineSchema)
  .min(1, { error: 'at least one line' })
  .max(64)
  .refine(differ, { error: 'ids of lines that differ from each other' });

/** What is counted in a video. */
const countSchema = z.strictObject({
  lines,
  /** Seconds of an interval. */
  intervalSeconds: within(1, 86_400).default(60),
  /** Frames a second that are looked at; 0 for all. */
  rate: within(0, 120).default(10),
  /** The classes that are counted, each with the classes of the model that belong to it. */
  classes: z.record(id, z.array(z.string().min(1)).min(1)).optional(),
});
export type CountConfig = z.infer<typeof countSchema>;

/** A hand count, of which the lines are the configuration. */
const handCountSchema = z.looseObject({
  lines: z.array(z.looseObject(lineSchema.shape)).min(1),
  crossings: z.array(z.unknown()),
});

/**
 * Reads what to count: YAML or JSON, or a hand count, whose lines are taken.
 *
 * @throws {WaysideError} FILE_NOT_FOUND, CONFIG_INVALID
 */
export async function readCountConfig(path: string): Promise<CountConfig> {
  const text = (await readNamedFile(path)).toString('utf8');
  if (!isHandCount(text)) return parseConfig(text, path, countSchema);
  const { lines: drawn } = parseConfig(text, path, handCountSchema);
  const kept = drawn.map(({ id: name, from, to }) => ({ id: name, from, to }));
  return parseConfig(JSON.stringify({ lines: kept }), path, countSchema);
}

function isHandCount(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'crossings' in value;
  } catch {
    return false; // YAML, or broken: the schema says so
  }
}
