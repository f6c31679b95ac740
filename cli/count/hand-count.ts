import { z } from 'zod';
import { messageOf, WaysideError } from '../../core/errors.ts';
import { readNamedFile } from '../../core/files.ts';

/** A crossing that a person counted. */
const HandCrossing = z.looseObject({
  line: z.string(),
  direction: z.enum(['forward', 'backward']),
  class: z.string(),
  /** Since the first frame, s; absent where only the number is known. */
  t: z.number().min(0).nullish(),
  /** Doubtful: neither missed nor false whatever is counted. */
  contested: z.boolean().default(false),
  /** Other classes that are right too. */
  classAlternatives: z.array(z.string()).default([]),
});
export type HandCrossing = z.infer<typeof HandCrossing>;

const HandCount = z.looseObject({ crossings: z.array(HandCrossing) });

const invalid = (path: string, message: string, hint?: string): WaysideError =>
  new WaysideError('HAND_COUNT_INVALID', { message: `${path}: ${message}`, ...(hint === undefined ? {} : { hint }) });

/**
 * Reads the crossings that a person counted in a video.
 *
 * @param lines that are counted: each crossing is of one of them
 * @throws {WaysideError} FILE_NOT_FOUND, HAND_COUNT_INVALID
 */
export async function readHandCount(path: string, lines: readonly string[]): Promise<readonly HandCrossing[]> {
  const text = (await readNamedFile(path)).toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(path, `not JSON: ${messageOf(cause)}`);
  }
  const parsed = HandCount.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(
      path,
      `${issue?.path.join('.') || 'hand count'}: ${issue?.message}`,
      'a hand count has `crossings: [{line, t, class, direction}]`',
    );
  }
  const { crossings } = parsed.data;
  const other = crossings.find(({ line }) => !lines.includes(line));
  if (other !== undefined)
    throw invalid(
      path,
      `a crossing of the line ${JSON.stringify(other.line)}; counted are ${lines.join(', ')}`,
      'name the lines of the configuration as the hand count does',
    );
  return crossings;
}
