import { z } from 'zod';
import { type FileSystem, replaceFile } from '../../core/file-system.ts';
import { decodeRecord, encodeRecord } from '../../core/record.ts';

/** Numbers that may be given before the next is written down: more cost a larger gap after a power cut, fewer cost writes. */
export const RESERVED_AHEAD = 4096;

const schema = z.strictObject({
  /** The first number that nobody may have been given. */
  free: z.int().min(1),
  /** What was acknowledged when this was written. */
  acknowledged: z.int().min(0),
});
export type Numbers = z.infer<typeof schema>;

const copies = (folder: string): readonly string[] => [`${folder}/numbers.a`, `${folder}/numbers.b`];

/**
 * Which numbers may have been given: twice, each copy with its digest, so that no number is ever given again when the segments
 * are cut short, or gone.
 *
 * @returns undefined where neither copy can be read
 */
export async function readNumbers(files: FileSystem, folder: string): Promise<Numbers | undefined> {
  const found: Numbers[] = [];
  for (const path of copies(folder)) {
    if ((await files.size(path)) === undefined) continue;
    const numbers = decodeRecord(await files.read(path), schema);
    if (numbers !== undefined) found.push(numbers);
  }
  return found.sort((a, b) => b.free - a.free)[0];
}

/** On the disk in both copies when it resolves. @throws {WaysideError} FILE_WRITE_FAILED */
export async function writeNumbers(files: FileSystem, folder: string, numbers: Numbers): Promise<number> {
  const text = encodeRecord(numbers);
  for (const path of copies(folder)) await replaceFile(files, path, text, 0o640);
  return 2 * Buffer.byteLength(text);
}
