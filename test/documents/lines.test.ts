import { describe, expect, it } from 'vitest';
import { linesOf, readPage, repositoryFiles } from '../support/markdown.ts';

/** Characters of a line of prose; tables, code and generated text are as wide as they must be. */
const MOST = 120;

/** The history has an entry a line: what was said of a version is not wrapped anew. */
const pages = repositoryFiles().filter((file) => file.endsWith('.md') && file !== 'CHANGELOG.md');

const long = (page: string, text: string): readonly string[] =>
  linesOf(text)
    .filter(({ kind, text: line }) => (kind === 'prose' || kind === 'heading') && line.length > MOST)
    // A link or an address has no place to break at.
    .filter(({ text: line }) => line.trim().includes(' ') && !line.startsWith('!['))
    .map(({ number, text: line }) => `${page}:${number}: ${line.length} characters`);

describe('lines of prose', () => {
  it.each(pages)(`%s has none of more than ${MOST} characters`, (page) => {
    expect(long(page, readPage(page))).toEqual([]);
  });

  it('are told from tables, code and generated text', () => {
    const wide = 'word '.repeat(30);
    const page = [`| ${wide} |`, '```', wide, '```', '<!-- figures:x -->', wide, '<!-- /figures:x -->', wide].join(
      '\n',
    );
    expect(long('x.md', page)).toEqual(['x.md:8: 150 characters']);
    expect(long('x.md', `<!-- Written by \`npm run docs\` -->\n${wide}`)).toEqual([]);
  });
});
