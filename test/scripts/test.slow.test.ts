import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../core/layout.ts';

/** Runs every test in a file of that name, as `npm test -- NAME` does. */
function runTests(...given: string[]): { status: number | null; stdout: string } {
  const env = Object.entries(process.env).filter(([name]) => !/^(VITEST|WAYSIDE_TEST)/.test(name));
  const { status, stdout } = spawnSync(process.execPath, [join(PACKAGE_ROOT, 'scripts', 'test.mjs'), ...given], {
    encoding: 'utf8',
    env: Object.fromEntries(env),
  });
  return { status, stdout };
}

it('the tests of all projects end with one closing line', () => {
  // One file of each project: of hexadecimal digests, of a tensor beyond 2 GiB, of an orphaned decoder; no test of the last two.
  const { status, stdout } = runTests('core/hash', 'onnx/large-tensor', 'camera/orphan', '-t', 'digest');
  const [closing, ...others] = stdout.match(/^\d+ passed, \d+ failed, \d+ skipped$/gm) ?? [];
  expect(others).toEqual([]);
  expect(closing).toMatch(/^[1-9]\d* passed, 0 failed, [3-9] skipped$/);
  expect(stdout.trimEnd().split('\n').at(-1)).toBe(closing);
  expect(stdout).toMatch(/^skipped: .*\n {2}test\/onnx\/large-tensor\.slow\.test\.ts$/m);
  expect(status).toBe(0);
});

it('a name without any test is no success', () => {
  const { status, stdout } = runTests('no/such/file');
  expect(stdout).toMatch(/^no test is named so\n0 passed, 0 failed, 0 skipped$/m);
  expect(status).toBe(1);
});
