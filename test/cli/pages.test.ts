import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { replaceBlock } from '../../bench/harness/pages/blocks.ts';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { acceptanceSchemaText } from '../../scripts/acceptance-schema.ts';
import { checksTable, doctorSchemaText } from '../../scripts/doctor-page.ts';
import { cliPage, manualPage } from '../../scripts/pages.ts';

const page = (...path: string[]): string => readFileSync(join(PACKAGE_ROOT, ...path), 'utf8');

describe('what `npm run docs` writes', () => {
  it('is what docs/reference/cli.md says', () => {
    expect(page('docs', 'reference', 'cli.md')).toBe(cliPage());
  });

  it('is what the manual page says', () => {
    expect(page('docs', 'reference', 'man', 'wayside.1')).toBe(manualPage());
  });

  it('is what the guide says that doctor checks, and the schema of what it prints', () => {
    const guide = page('docs', 'guide', 'doctor.md');
    expect(guide).toContain(checksTable());
    expect(replaceBlock(guide, 'checks', checksTable())).toBe(guide);
    expect(page('docs', 'reference', 'doctor.json')).toBe(doctorSchemaText());
  });

  it('is the schema of what `wayside accept` writes', () => {
    expect(page('docs', 'reference', 'acceptance.json')).toBe(acceptanceSchemaText());
  });
});
