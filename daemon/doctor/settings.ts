import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { type Examined, examineConfig } from '../../core/config/examine.ts';
import { messageOf } from '../../core/errors.ts';

/** A configuration file as far as it can be read. */
export interface Settings<Config> {
  readonly path: string;
  /** Relative paths in it start here. */
  readonly folder: string;
  /** Absent where the file is not there or does not fit. */
  readonly config?: Config;
  /** Everything that does not fit, one line each. */
  readonly problems: readonly string[];
  readonly missing: boolean;
}

/** Reads a configuration; what is wrong with it becomes part of the answer. */
export async function readSettings<T>(path: string, schema: z.ZodType<T>): Promise<Settings<T>> {
  const folder = dirname(resolve(path));
  let text: string;
  try {
    await stat(path);
    text = await readFile(path, 'utf8');
  } catch (thrown) {
    const missing = thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';
    return { path, folder, missing, problems: [messageOf(thrown)] };
  }
  const { config, problems }: Examined<T> = examineConfig(text, path, schema);
  return {
    path,
    folder,
    missing: false,
    problems: problems.map(({ message }) => message),
    ...(config === undefined ? {} : { config }),
  };
}
