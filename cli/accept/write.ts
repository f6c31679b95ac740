import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isSystemError, WaysideError } from '../../core/errors.ts';
import { readNamedFile, writeFolderAtomic } from '../../core/files.ts';
import { digestOf } from '../../core/hash.ts';
import { type Verdict, verifiedVerdict } from './verdict.ts';

const VERDICT = 'verdict.json';

interface Written {
  readonly verdict: Verdict;
  readonly text: string;
  readonly signature: string;
  readonly page: string;
}

/** @throws {WaysideError} OUTPUT_EXISTS: said before anything is counted */
export async function requireFree(folder: string): Promise<void> {
  const there = await readdir(folder).catch((thrown: unknown) => {
    if (isSystemError(thrown, 'ENOENT')) return [];
    if (isSystemError(thrown, 'ENOTDIR')) return ['it'];
    throw thrown;
  });
  if (there.length > 0)
    throw new WaysideError('OUTPUT_EXISTS', {
      message: `${folder} already exists`,
      hint: 'name another folder, or allow replacing it with --force',
    });
}

/** @throws {WaysideError} OUTPUT_EXISTS, FILE_WRITE_FAILED */
export async function writeAcceptance(
  out: string,
  { verdict, text, signature, page }: Written,
  replace: boolean,
): Promise<void> {
  await writeFolderAtomic(
    out,
    async (folder) => {
      await writeFile(join(folder, VERDICT), text);
      await writeFile(join(folder, `${VERDICT}.sig`), `${signature}\n`);
      await writeFile(join(folder, verdict.page.file), page);
    },
    { replace },
  );
}

/**
 * A verdict as it was signed, and the page beside it as the verdict names it, where it is there.
 *
 * @param path of the verdict or of its folder
 * @param keys in base64, one of which must have signed it
 * @throws {WaysideError} FILE_NOT_FOUND, VERDICT_INVALID
 */
export async function readAcceptance(path: string, keys: readonly string[] | undefined): Promise<Verdict> {
  const isFolder = await stat(path).then(
    (about) => about.isDirectory(),
    () => false, // reading it says why
  );
  const file = isFolder ? join(path, VERDICT) : path;
  const bytes = await readNamedFile(file);
  const signature = (await readNamedFile(`${file}.sig`)).toString('utf8').trim();
  const verdict = verifiedVerdict(bytes, signature, file, keys);
  const page = join(dirname(file), verdict.page.file);
  const html = await readFile(page).catch((thrown: unknown) => {
    if (isSystemError(thrown, 'ENOENT')) return undefined;
    throw thrown;
  });
  if (html !== undefined && digestOf(html) !== verdict.page.digest)
    throw new WaysideError('VERDICT_INVALID', { message: `${page}: it is not the page of the verdict beside it` });
  return verdict;
}
