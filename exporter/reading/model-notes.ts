import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { messageOf } from '../../core/errors.ts';
import { type Normalization, parseNormalization } from '../../inference/normalization.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import type { Model } from '../../onnx/graph.ts';

/** What Wayside writes into an ONNX file's metadata for whoever goes on with it. */
const NORMALIZE = 'wayside.normalize';
const CLASSES = 'wayside.classes';

const REMOVED = 'wayside.removed';

type Metadata = ReadonlyMap<string, string>;
type Note = (text: string) => void;

/** The metadata with how images are normalised and, where they are known, the names of the classes; without names otherwise. */
export function withNotes(
  metadata: Metadata,
  { mean, std, channels }: Pick<Preprocessing, 'mean' | 'std' | 'channels'>,
  classes: readonly string[] | undefined,
): Metadata {
  const noted = new Map(metadata).set(
    NORMALIZE,
    `${channels === 'BGR' ? 'bgr:' : ''}${mean.join(',')}/${std.join(',')}`,
  );
  if (classes === undefined) noted.delete(CLASSES);
  else noted.set(CLASSES, JSON.stringify(classes));
  return noted;
}

/**
 * How a model's images are normalised: as asked, else as its metadata says; undefined where neither speaks. What is asked for and
 * not what the metadata says is done all the same, and said.
 *
 * @param asked what `--normalize` takes
 * @throws {WaysideError} USAGE for an `asked` that cannot be read
 */
export function chosenNormalization(
  asked: string | undefined,
  metadata: Metadata,
  note: Note,
): Normalization | undefined {
  const noted = notedNormalization(metadata, note);
  if (asked === undefined) return noted;
  const chosen = parseNormalization(asked);
  if (noted !== undefined && !isDeepStrictEqual({ channels: 'RGB', ...chosen }, { channels: 'RGB', ...noted })) {
    note(`note: the model says it was trained with --normalize ${metadata.get(NORMALIZE)}; it gets ${asked}, as asked`);
  }
  return chosen;
}

function notedNormalization(metadata: Metadata, note: Note): Normalization | undefined {
  const text = metadata.get(NORMALIZE);
  if (text === undefined) return undefined;
  try {
    return parseNormalization(text);
  } catch (error) {
    note(`note: ${NORMALIZE} in the model's metadata is left out of account: ${messageOf(error)}`);
    return undefined;
  }
}

/** The names of its classes that a model carries; undefined where they are not as many as it answers with. */
export function notedClasses(metadata: Metadata, count: number | undefined, note: Note): readonly string[] | undefined {
  const text = metadata.get(CLASSES);
  if (text === undefined) return undefined;
  const names = namesIn(text);
  if (names !== undefined && (count === undefined || names.length === count)) return names;
  const why = names === undefined ? 'no list of names' : `${names.length} names for ${count} classes`;
  note(`note: ${CLASSES} in the model's metadata is left out of account: ${why}`);
  return undefined;
}

function namesIn(text: string): readonly string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((name): name is string => typeof name === 'string') ? value : undefined;
  } catch {
    return undefined;
  }
}

const Removed = z.strictObject({
  /** Digest of the folded model that was pruned. */
  of: z.string(),
  /** Positions of the channels that are gone, by group. */
  removed: z.record(z.string(), z.array(z.int().min(0))),
});
export type Removed = z.infer<typeof Removed>;

/** The metadata with what pruning took: reconstruction must know which channel of the original is which. */
export const withRemoved = (metadata: Metadata, removed: Removed): Metadata =>
  new Map(metadata).set(REMOVED, JSON.stringify(removed));

/** What pruning took from the model; undefined where no such note can be read. */
export function notedRemoved(metadata: Metadata): Removed | undefined {
  const text = metadata.get(REMOVED);
  if (text === undefined) return undefined;
  try {
    return Removed.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The metadata without the notes that only a float model needs: they would weigh on the file of the box. */
export function withoutRemoved(metadata: Metadata): Metadata {
  const kept = new Map(metadata);
  kept.delete(REMOVED);
  return kept;
}

/** Classes that a classifier has scores for, by the shape of its output; undefined where that does not say. */
export function declaredClasses({ graph }: Model): number | undefined {
  const scores = graph.outputs[0]?.shape?.at(-1);
  return typeof scores === 'number' ? scores : undefined;
}
