import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { cliPage, manualPage } from '../../scripts/pages.ts';

const page = (...path: string[]): string => readFileSync(join(PACKAGE_ROOT, ...path), 'utf8');

describe('what `npm run docs` writes', () => {
  it('is what docs/reference/cli.md says', () => {
    expect(page('docs', 'reference', 'cli.md')).toBe(cliPage());
  });

  it('is what the manual page says', () => {
    expect(page('docs', 'reference', 'man', 'wayside.1')).toBe(manualPage());
  });
});
