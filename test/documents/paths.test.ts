import { dirname, join, normalize } from 'node:path/posix';
import { describe, expect, it } from 'vitest';
import { codeSpansOf, readPage, repositoryFiles } from '../support/markdown.ts';

const files = repositoryFiles();
const entries = new Set(
  files.flatMap((file) => {
    const parts = file.split('/');
    return parts.map((_, i) => parts.slice(0, i + 1).join('/'));
  }),
);
const roots = new Set([...entries].filter((entry) => !entry.includes('/')));
const all = [...entries];

/** `NAME`, `KIND` and `*` stand for any name. */
function matches(pattern: string, { anywhere }: { anywhere: boolean }): boolean {
  if (!/[*A-Z]/.test(pattern))
    return entries.has(pattern) || (anywhere && all.some((entry) => entry.endsWith(`/${pattern}`)));
  if (entries.has(pattern)) return true;
  const source = pattern.replace(/[.+]/g, '\\$&').replace(/\*|\b[A-Z]{2,}\b/g, '[^/]+');
  const whole = new RegExp(`${anywhere ? '(^|/)' : '^'}${source}$`);
  return all.some((entry) => whole.test(entry));
}

const SHAPE = /^[\w.*-]+(\/[\w.*-]+)*\/?$/;
const OURS = /\.(ts|mjs|py|md|yaml|service|json)$/;

/** A path of this repository: it begins with one of its top folders and goes on, or ends as our files do, or as a folder. */
const looksLikePath = (text: string): boolean =>
  SHAPE.test(text) &&
  ((text.includes('/') && roots.has(text.split('/')[0] ?? '')) || OURS.test(text) || text.endsWith('/'));

/** Made while something runs: not part of the repository. */
const MADE =
  /^(OUT\.work|dist|node_modules|\.cache)(\/|$)|^(package|optimized|table|profile)[\w-]*\.json$|^manifest\.json$/;

/** Paths of a page that lead nowhere. */
function missing(
  page: string,
  text: string,
  { strict, anywhere }: { strict: boolean; anywhere: boolean },
): readonly string[] {
  return codeSpansOf(text).flatMap(({ line, text: span }) => {
    if (!looksLikePath(span) || MADE.test(span)) return [];
    if (!strict && !(span.includes('/') && roots.has(span.split('/')[0] ?? ''))) return [];
    const path = span.replace(/\/$/, '');
    if (matches(path, { anywhere }) || entries.has(normalize(join(dirname(page), path)))) return [];
    return [`${page}:${line}: ${span}`];
  });
}

const RECIPES = ['CONTRIBUTING.md', 'docs/guide/debugging.md', 'docs/guide/profiling.md', 'docs/glossary.md'];
const others = files.filter(
  (file) => file.endsWith('.md') && ![...RECIPES, 'docs/architecture.md', 'CHANGELOG.md'].includes(file),
);

describe('paths of this repository in documents', () => {
  it.each(RECIPES)('%s names files and folders that exist', (page) => {
    expect(missing(page, readPage(page), { strict: true, anywhere: false })).toEqual([]);
  });

  it('docs/architecture.md names files and folders that exist, from the root or from their room', () => {
    expect(missing('docs/architecture.md', readPage('docs/architecture.md'), { strict: true, anywhere: true })).toEqual(
      [],
    );
  });

  it.each(others)('%s names none in a top folder that does not exist', (page) => {
    expect(missing(page, readPage(page), { strict: false, anywhere: false })).toEqual([]);
  });

  it('in sources, messages and units lead to documents that exist', () => {
    const sources = files.filter(
      (file) => /\.(ts|mjs|js|yaml|service)$/.test(file) && !file.startsWith('test/documents/'),
    );
    const dead = sources.flatMap((file) =>
      [...readPage(file).matchAll(/(?<![\w/.])docs\/[\w/-]+(\.\w+)*|(?<=share\/doc\/wayside\/)[\w/.-]+/g)]
        .map(([path]) => (path.startsWith('docs/') ? path : `docs/${path}`).replace(/\/$/, ''))
        .filter((path) => !entries.has(path))
        .map((path) => `${file}: ${path}`),
    );
    expect(dead).toEqual([]);
  });

  it('are found missing', () => {
    const text =
      'in `exporter/nothing.ts`, `exporter/passes/`, `core/`, `nothing.ts`, `a/b`, `cli/commands/NAME.ts`, `cli/nothing/NAME.ts`\n';
    expect(missing('x.md', text, { strict: true, anywhere: false })).toEqual([
      'x.md:1: exporter/nothing.ts',
      'x.md:1: nothing.ts',
      'x.md:1: cli/nothing/NAME.ts',
    ]);
    expect(
      missing('x.md', '`lifecycle.ts` `camera/lifecycle.ts` `camera/nothing.ts`', { strict: true, anywhere: true }),
    ).toEqual(['x.md:1: camera/nothing.ts']);
  });
});
