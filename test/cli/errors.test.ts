import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';
import { runWayside } from '../support/wayside.ts';

describe('a command that fails', () => {
  const folder = temporaryFolder();

  it.each([
    { name: 'an unknown command', args: ['evlauate'], exit: 64, error: "unknown command 'evlauate'", hint: 'evaluate' },
    {
      name: 'an unknown option',
      args: ['inspect', 'm', '--jsn'],
      exit: 64,
      error: "unknown option '--jsn'",
      hint: '--json',
    },
    {
      name: 'a missing argument',
      args: ['inspect'],
      exit: 64,
      error: "missing required argument 'model'",
      hint: '--help',
    },
    {
      name: 'a missing option',
      args: ['evaluate', 'm'],
      exit: 64,
      error: "'--data <set>' not specified",
      hint: '--help',
    },
    {
      name: 'a number out of range',
      args: ['compress', 'm', '--data', 'cifar10:x', '--out', 'o', '--clusters', '1'],
      exit: 64,
      error: 'whole number from 2 to 256',
      hint: '--help',
    },
    {
      name: 'an unknown kind of data',
      args: ['evaluate', 'm', '--data', 'mnist:x'],
      exit: 64,
      error: 'cifar10:DIR',
      hint: '--help',
    },
    { name: 'no command', args: [], exit: 64, error: 'no command was given', hint: 'wayside inspect' },
  ])('says USAGE and the nearest right thing for $name', async ({ args, exit, error, hint }) => {
    const run = await runWayside(args);
    const [first, second] = run.stderr.trim().split('\n').slice(-2);
    expect(first).toMatch(/^error USAGE: /);
    expect(first).toContain(error);
    expect(second).toMatch(/^hint: /);
    expect(second).toContain(hint);
    expect(run).toMatchObject({ exit, stdout: '' });
  });

  it('says which file is not there, with 66', async () => {
    const run = await runWayside(['inspect', join(folder(), 'absent.onnx')]);
    expect(run.exit).toBe(66);
    expect(run.stderr).toMatch(/^error FILE_NOT_FOUND: .*absent\.onnx/);
  });

  it('says what is wrong with a file that is no model, with 65, and shows no stack', async () => {
    const path = join(folder(), 'noise.onnx');
    await writeFile(path, 'this is not a model');
    const run = await runWayside(['inspect', path]);
    expect(run.exit).toBe(65);
    expect(run.stderr).toMatch(/^error MODEL_[A-Z]+: /);
    expect(run.stderr).not.toMatch(/^\s+at /m);
  });

  it('shows the stack to those who ask for it', async () => {
    const run = await runWayside(['inspect', 'absent'], { env: { WAYSIDE_DEBUG: '1' } });
    expect(run.stderr).toMatch(/^\s+at /m);
  });

  it('prints exactly one JSON document with --json, whatever failed', async () => {
    for (const args of [
      ['inspect', 'absent'],
      ['inspect'],
      ['inspct'],
      ['evaluate', 'absent', '--data', 'cifar10:absent'],
      [],
    ]) {
      const run = await runWayside([...args, '--json']);
      const { error } = JSON.parse(run.stdout) as { error: Record<string, unknown> };
      expect(new Set(Object.keys(error))).toEqual(new Set(['code', 'hint', 'message']));
      expect(run.stderr).toContain(`error ${String(error['code'])}: ${String(error['message'])}`);
      expect(run.exit).toBe(error['code'] === 'USAGE' ? 64 : 66);
    }
  });

  it('leaves no output behind', async () => {
    const path = join(folder(), 'broken.onnx');
    await writeFile(path, 'this is not a model');
    const before = await readdir(folder());
    const run = await runWayside(['compress', path, '--data', `cifar10:${folder()}`, '--out', join(folder(), 'out')]);
    expect(run.exit).toBe(65);
    expect(await readdir(folder())).toEqual(before);
  });
});
