import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../core/error-codes.ts';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { errorsPage } from '../../scripts/pages.ts';
import { sourceFiles } from '../support/imports.ts';

const ROOMS = [
  'core',
  'onnx',
  'inference',
  'calibration',
  'compression',
  'exporter',
  'contract',
  'deploy',
  'daemon',
  'demo',
  'cli',
];

/** Text of every source file but the list itself. */
const sources = sourceFiles(ROOMS)
  .filter((file) => file !== 'core/error-codes.ts')
  .map((file) => ({ file, text: readFileSync(join(PACKAGE_ROOT, file), 'utf8') }));

describe('error codes', () => {
  it('are each raised somewhere', () => {
    const unused = Object.keys(ERROR_CODES).filter((code) => !sources.some(({ text }) => text.includes(`'${code}'`)));
    expect(unused).toEqual([]);
  });

  it('are documented: docs/reference/errors.md is what `npm run docs` writes', () => {
    expect(readFileSync(join(PACKAGE_ROOT, 'docs', 'reference', 'errors.md'), 'utf8')).toBe(errorsPage());
  });

  it('named in a docstring exist', () => {
    const unknown = sources.flatMap(({ file, text }) =>
      [...text.matchAll(/@throws \{WaysideError\}([^@*]*(?:\n\s*\*(?!\/| @)[^@*]*)*)/g)]
        .flatMap(([, list = '']) => list.match(/\b[A-Z]{3,}(?:_[A-Z]+)+\b/g) ?? [])
        .filter((code) => !(code in ERROR_CODES))
        .map((code) => `${file}: ${code}`),
    );
    expect(unknown).toEqual([]);
  });
});
