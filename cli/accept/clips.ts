import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { messageOf, WaysideError } from '../../core/errors.ts';
import { readableFile, readNamedFile } from '../../core/files.ts';
import { conditionsSchema } from './verdict.ts';

/** What a hand count says of its clip beside the crossings. */
const tagsSchema = z.looseObject({
  clip: z
    .string()
    .refine((name) => basename(name) === name && name !== '', { error: 'the name of a file beside the hand count' })
    .optional(),
  light: conditionsSchema.light.default(null),
  weather: conditionsSchema.weather.default(null),
  window: z.string().min(1).nullable().default(null),
  lines: z.array(z.looseObject({ id: z.string(), from: z.array(z.number()), to: z.array(z.number()) })).default([]),
});

/** A recording with what a person counted in it. */
export interface Clip extends Pick<z.infer<typeof tagsSchema>, 'light' | 'weather' | 'window' | 'lines'> {
  readonly name: string;
  readonly video: string;
  readonly handCount: string;
}

const HAND_COUNT = '.counts.json';
const invalid = (message: string, hint?: string): WaysideError =>
  new WaysideError('HAND_COUNT_INVALID', { message, ...(hint === undefined ? {} : { hint }) });

/**
 * Recordings that have a hand count: of folders all, of files those that are named, by the recording or by the hand count.
 *
 * @throws {WaysideError} FILE_NOT_FOUND, HAND_COUNT_INVALID
 */
export async function findClips(paths: readonly string[]): Promise<readonly Clip[]> {
  const handCounts = new Set<string>();
  for (const path of paths) for (const found of await handCountsAt(path)) handCounts.add(found);
  return Promise.all([...handCounts].map(clipOf));
}

async function handCountsAt(path: string): Promise<string[]> {
  const about = await stat(path).catch((cause: unknown) => {
    throw new WaysideError('FILE_NOT_FOUND', { message: `cannot read ${path}: ${messageOf(cause)}`, cause });
  });
  const whole = resolve(path);
  if (about.isDirectory()) {
    const names = (await readdir(whole))
      .filter((name) => name.endsWith(HAND_COUNT))
      .toSorted((a, b) => (a < b ? -1 : 1));
    if (names.length === 0)
      throw invalid(`${path}: no hand count in this folder`, `a clip NAME.mp4 has NAME${HAND_COUNT} beside it`);
    return names.map((name) => join(whole, name));
  }
  if (whole.endsWith('.json')) return [whole];
  return [whole.replace(/\.[^./]*$/, '') + HAND_COUNT];
}

async function clipOf(path: string): Promise<Clip> {
  const text = (await readNamedFile(path)).toString('utf8');
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    throw invalid(`${path}: not JSON: ${messageOf(cause)}`);
  }
  const parsed = tagsSchema.safeParse(data);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(`${path}: ${issue?.path.join('.') || 'hand count'}: ${issue?.message}`);
  }
  const { clip, light, weather, window, lines } = parsed.data;
  const video = clip === undefined ? await besides(path) : join(dirname(path), clip);
  await readableFile(video);
  return { name: basename(video), video, handCount: path, light, weather, window, lines };
}

const ENDINGS = ['mp4', 'mkv', 'avi', 'mov', 'webm', 'ts', 'm4v', 'mpg', 'mpeg', 'h264', 'flv', 'wmv'];

/** The recording of a hand count that does not name it. */
async function besides(path: string): Promise<string> {
  const stem = basename(path).replace(/(\.counts)?\.json$/, '');
  const there = await readdir(dirname(path));
  const videos = ENDINGS.map((ending) => `${stem}.${ending}`).filter((name) => there.includes(name));
  const [video] = videos;
  if (video !== undefined && videos.length === 1) return join(dirname(path), video);
  throw invalid(
    `${path}: ${video === undefined ? 'no recording beside it' : `it may be of ${videos.join(' or ')}`}`,
    'name the recording in it: "clip": "NAME.mp4"',
  );
}
