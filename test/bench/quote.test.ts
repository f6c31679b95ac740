import { describe, expect, it } from 'vitest';
import { BENCHMARKS } from '../../bench/benchmarks/index.ts';
import { QUOTING_PAGES, quotedPages } from '../../bench/harness/pages/pages.ts';
import { readResults } from '../../bench/harness/results.ts';

describe('the figures in the documents', () => {
  it.each(QUOTING_PAGES)('%s says what bench/results says: repeat with `npm run bench:quote`', async (page) => {
    const found = (await quotedPages()).find((candidate) => candidate.page === page);
    expect(found?.now).toBe(found?.quoted);
    expect(found?.now).toMatch(/<!-- (figures|headlines)/);
  });

  it('come from benchmarks that exist, with the text and layout they have now', async () => {
    for (const result of await readResults([])) {
      const benchmark = BENCHMARKS.find(({ name }) => name === result.benchmark);
      expect(benchmark, result.benchmark).toMatchObject({
        title: result.title,
        method: result.method,
        layout: result.layout,
      });
    }
  });
});
