import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { BENCHMARKS } from '../../benchmarks/index.ts';
import { readResults } from '../results.ts';
import { pageBlocks, replaceBlock } from './blocks.ts';

/** The pages that quote results, each with blocks between `<!-- NAME -->` and `<!-- /NAME -->`. */
export const QUOTING_PAGES = [
  'README.md',
  'docs/research/benchmarks.md',
  'docs/guide/install.md',
  'docs/guide/counting.md',
] as const;

/** Each quoting page's path, its text as it stands, and its text with every block made from `bench/results`. */
export async function quotedPages(): Promise<
  readonly { readonly page: string; readonly now: string; readonly quoted: string }[]
> {
  const blocks = pageBlocks(BENCHMARKS, await readResults(BENCHMARKS.map(({ name }) => name)));
  return Promise.all(
    QUOTING_PAGES.map(async (page) => {
      const now = await readFile(join(PACKAGE_ROOT, page), 'utf8');
      const quoted = [...blocks].reduce((text, [name, content]) => replaceBlock(text, name, content), now);
      return { page, now, quoted };
    }),
  );
}
