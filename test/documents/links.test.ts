import { dirname, join, normalize } from 'node:path/posix';
import { describe, expect, it } from 'vitest';
import { anchorsOf, linksOf, readPage, repositoryFiles } from '../support/markdown.ts';

const files = repositoryFiles();
const exists = (path: string): boolean =>
  path === '.' || files.includes(path) || files.some((file) => file.startsWith(`${path}/`));
const pages = files.filter((file) => file.endsWith('.md'));

/** What is wrong with the links of a page, one text each. */
function broken(page: string, text: string): readonly string[] {
  return linksOf(text).flatMap(({ line, target }) => {
    if (/^[a-z]+:/i.test(target)) return [];
    const [path = '', anchor] = target.split('#');
    const full = path === '' ? page : normalize(join(dirname(page), path)).replace(/\/$/, '');
    if (full !== page && !exists(full)) return [`${page}:${line}: ${target}: no such file`];
    if (anchor === undefined) return [];
    const goal = full === page ? text : readPage(full);
    return anchorsOf(goal).has(anchor) ? [] : [`${page}:${line}: ${target}: no such heading`];
  });
}

describe('links between documents', () => {
  it.each(pages)('%s points to files and headings that exist', (page) => {
    expect(broken(page, readPage(page))).toEqual([]);
  });

  it('are found broken where they are', () => {
    const text =
      '# A\n[a](b.md) [b](architecture.md#nowhere) [c](#a) `[d](e.md)` [f](https://example.org/x)\n![g](images/no.png)\n';
    expect(broken('docs/x.md', text)).toEqual([
      'docs/x.md:2: b.md: no such file',
      'docs/x.md:2: architecture.md#nowhere: no such heading',
      'docs/x.md:3: images/no.png: no such file',
    ]);
  });

  it('lead to every page from the index of the documents', () => {
    const reached = new Set<string>(['docs/README.md']);
    const queue = ['docs/README.md'];
    for (let page = queue.pop(); page !== undefined; page = queue.pop()) {
      for (const { target } of linksOf(readPage(page))) {
        const full = normalize(join(dirname(page), target.split('#')[0] ?? ''));
        if (reached.has(full) || !full.startsWith('docs/') || !full.endsWith('.md')) continue;
        reached.add(full);
        queue.push(full);
      }
    }
    expect(pages.filter((page) => page.startsWith('docs/') && !reached.has(page))).toEqual([]);
  });
});

describe('anchors', () => {
  it('are those that GitHub makes of headings', () => {
    const page = '# The plan, and *more*\n## `wayside` & co\n## A\n```\n# no heading\n```\n## A\n## [B](c.md) 2x_y\n';
    expect([...anchorsOf(page)]).toEqual(['the-plan-and-more', 'wayside--co', 'a', 'a-1', 'b-2x_y']);
  });
});
