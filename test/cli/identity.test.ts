import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { identityFiles, newIdentity } from '../../core/identity/files.ts';
import { temporaryFolder } from '../support/folder.ts';
import { runWayside } from '../support/wayside.ts';

const folder = temporaryFolder();

beforeEach(async () => {
  await mkdir(join(folder(), 'secrets'), { recursive: true });
  const { key, chain } = newIdentity();
  await writeFile(identityFiles(folder()).key, key, { mode: 0o600 });
  await writeFile(identityFiles(folder()).chain, chain);
});

describe('wayside identity', () => {
  const identity = async (command: string) => {
    const run = await runWayside(['identity', command, '--folder', folder(), '--json']);
    return { ...run, document: JSON.parse(run.stdout) };
  };

  it('shows the public half, and after a rotation the one that the old key signed', async () => {
    const { document: before, stdout } = await identity('show');
    const secret = (await readFile(identityFiles(folder()).key, 'utf8')).split('\n')[1];
    expect(stdout).not.toContain(secret);
    const { document: rotated, exit } = await identity('rotate');
    expect(exit).toBe(0);
    const { document: after } = await identity('show');
    expect(after).toMatchObject({ first: before.publicKey, publicKey: rotated.publicKey, rotations: [{}] });
    expect(after.publicKey).not.toBe(before.publicKey);
  });

  it('ends with 66 where there is none, and with 78 where its chain does not hold', async () => {
    await writeFile(identityFiles(folder()).chain, '{}');
    expect(await identity('show')).toMatchObject({ exit: 78, document: { error: { code: 'IDENTITY_INVALID' } } });
    const run = await runWayside(['identity', 'rotate', '--folder', join(folder(), 'none'), '--json']);
    expect(run.exit).toBe(66);
  });
});
