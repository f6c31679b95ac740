import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../core/layout.ts';

/** Made by set-up, builds and benchmarks. */
const NOT_OURS = new Set(['.git', 'node_modules', 'dist', '.cache']);

function filesIn(folder: string): readonly string[] {
  return readdirSync(join(PACKAGE_ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return folder === '' && NOT_OURS.has(entry.name) ? [] : filesIn(path);
    return [path];
  });
}

/** Every file of the repository, with forward slashes; a checkout without git has them too. */
export const repositoryFiles = (): readonly string[] => filesIn('');

export const readPage = (path: string): string => readFileSync(join(PACKAGE_ROOT, path), 'utf8');

/** What a line of a page is. `generated` stands between `<!-- NAME -->` and `<!-- /NAME -->`, or on a page that a command writes whole. */
export type LineKind = 'prose' | 'heading' | 'table' | 'code' | 'generated';

export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string;
  readonly kind: LineKind;
}

/** The lines of a page, by what they are. */
export function linesOf(page: string): readonly Line[] {
  const whole = page.startsWith('<!-- Written by');
  let block: string | undefined;
  let code = false;
  return page.split('\n').map((text, index): Line => {
    const number = index + 1;
    if (whole) return { number, text, kind: 'generated' };
    if (block !== undefined) {
      if (text === `<!-- /${block} -->`) block = undefined;
      return { number, text, kind: 'generated' };
    }
    const opening = /^<!-- ([\w:-]+) -->$/.exec(text)?.[1];
    if (opening !== undefined && page.includes(`<!-- /${opening} -->`)) {
      block = opening;
      return { number, text, kind: 'generated' };
    }
    if (text.trimStart().startsWith('```')) {
      code = !code;
      return { number, text, kind: 'code' };
    }
    if (code) return { number, text, kind: 'code' };
    if (text.startsWith('|')) return { number, text, kind: 'table' };
    return { number, text, kind: /^#+ /.test(text) ? 'heading' : 'prose' };
  });
}

/** The anchors of a page's headings, made as GitHub makes them: a second heading of one text gets `-1`. */
export function anchorsOf(page: string): ReadonlySet<string> {
  const seen = new Map<string, number>();
  const anchors = new Set<string>();
  let code = false;
  for (const line of page.split('\n')) {
    if (line.trimStart().startsWith('```')) code = !code;
    const heading = code ? undefined : /^#+ (.*)$/.exec(line)?.[1];
    if (heading === undefined) continue;
    const slug = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-');
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    anchors.add(before === 0 ? slug : `${slug}-${before}`);
  }
  return anchors;
}

export interface Link {
  readonly line: number;
  /** As written: `../guide/box.md#checking`. */
  readonly target: string;
}

/** The links and images of a page, code aside; inside generated text too. */
export const linksOf = (page: string): readonly Link[] =>
  linesOf(page)
    .filter(({ kind }) => kind !== 'code')
    .flatMap(({ number, text }) =>
      [...text.replace(/`[^`]*`/g, (code) => 'x'.repeat(code.length)).matchAll(/\]\(([^()\s]+)\)/g)].map((match) => ({
        line: number,
        target: match[1] ?? '',
      })),
    );

export interface Code {
  readonly line: number;
  readonly text: string;
}

/** What stands in backticks, code blocks aside. */
export const codeSpansOf = (page: string): readonly Code[] =>
  linesOf(page)
    .filter(({ kind }) => kind !== 'code' && kind !== 'generated')
    .flatMap(({ number, text }) =>
      [...text.matchAll(/`([^`]+)`/g)].map((match) => ({ line: number, text: match[1] ?? '' })),
    );
