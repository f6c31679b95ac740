import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { importsOf, sourceFiles } from '../support/imports.ts';

/** The folders of the exporter as a run goes through them: each may import those before it. docs/architecture.md says the same. */
const ORDER = [
  ...['plan', 'passes', 'reading', 'prune-finetune', 'lowering', 'quantize', 'verify', 'search', 'qat'],
  ...['pipeline', 'report', 'sbom', 'commands'],
];
const MOST_AGAINST = 5;

const placeOf = (file: string): number => ORDER.indexOf(file.split('/')[1] ?? '');
const files = sourceFiles(['exporter']);
const against = files.flatMap((file) =>
  importsOf(file)
    .filter(({ target, ours }) => ours && target.startsWith('exporter/') && placeOf(target) > placeOf(file))
    .map(({ target }) => `${file} -> ${target}`),
);

describe('the exporter', () => {
  test('has no file outside the folders of its order', () => {
    expect(files.filter((file) => placeOf(file) < 0 || file.split('/').length < 3)).toEqual([]);
  });

  test(`walks from top to bottom, but for ${MOST_AGAINST} imports at most, each with a reason in the documents`, () => {
    const text = readFileSync(join(PACKAGE_ROOT, 'docs/architecture.md'), 'utf8');
    const section = text.slice(text.indexOf('### The order of the exporter'));
    const excused = [...section.matchAll(/^\| `(exporter\/[^`]+)` \| `(exporter\/[^`]+)` \| \S.*\|$/gm)].map(
      ([, file, target]) => `${file} -> ${target}`,
    );
    expect(against.length).toBeLessThanOrEqual(MOST_AGAINST);
    expect(new Set(excused)).toEqual(new Set(against));
    for (const folder of ORDER) expect(section).toContain(`\`${folder}\``);
  });
});
