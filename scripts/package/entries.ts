import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** One thing that a package installs. Everything belongs to root. */
export interface Entry {
  /** Without a leading slash. */
  readonly path: string;
  /** A folder where all three are absent. */
  readonly content?: Uint8Array;
  /** Absolute path of the file to copy. */
  readonly from?: string;
  /** Target of a symbolic link. */
  readonly link?: string;
  /** @default 0o755 of folders, 0o644 of files */
  readonly mode?: number;
}

export const contentOf = ({ content, from }: Entry): Uint8Array | undefined =>
  content ?? (from === undefined ? undefined : readFileSync(from));

export const text = (path: string, lines: string, mode = 0o644): Entry => ({ path, content: Buffer.from(lines), mode });

/** Entries in the order of their paths, each after the folders that it lies in. */
export function withFolders(entries: readonly Entry[]): readonly Entry[] {
  const all = new Map<string, Entry>();
  for (const entry of entries) {
    if (all.get(entry.path)?.path !== undefined) throw new Error(`${entry.path} is installed twice`);
    all.set(entry.path, entry);
  }
  for (const { path } of entries)
    for (let folder = dirname(path); folder !== '.'; folder = dirname(folder))
      if (!all.has(folder)) all.set(folder, { path: folder });
  return [...all.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}
