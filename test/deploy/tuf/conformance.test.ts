import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import type { FileServer } from '../../support/file-server.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { servedRepository } from '../../support/tuf-box.ts';
import type { TufTestRepository } from '../../support/tuf-repository.ts';

const folder = temporaryFolder();
let work: string;
let metadata: string;
let server: FileServer;
let repository: TufTestRepository;

beforeEach(async () => {
  ({ repository, server } = await servedRepository(folder(), { 'a/one': '1', two: '2' }));
  work = await mkdtemp(join(folder(), 'client-'));
  metadata = join(work, 'metadata');
  await writeFile(join(work, 'root'), repository.factoryRoot);
});
afterEach(() => server.close());

/** The executable as the public suite starts it. @returns its exit code */
function client(...args: string[]): Promise<number> {
  const command = join(PACKAGE_ROOT, 'deploy', 'conformance', 'client');
  return new Promise((resolve) => {
    const child = execFile(command, ['--metadata-dir', metadata, ...args], () => resolve(child.exitCode ?? -1));
  });
}

const urls = (): string[] => ['--metadata-url', `${server.url}metadata/`];
const download = (...names: string[]): Promise<number> =>
  client(
    ...urls(),
    ...names.flatMap((name) => ['--target-name', name]),
    ...['--target-base-url', `${server.url}targets/`, '--target-dir', join(work, 'targets'), 'download'],
  );

/** Names of the metadata under which the suite looks for trusted roles. */
const trusted = async (): Promise<string[]> =>
  (await readdir(metadata)).filter((name) => name.endsWith('.json')).sort();

describe('the conformance client', () => {
  it('begins with a root and asks for nothing; refreshes; says no with 1', async () => {
    expect(await client('init', join(work, 'root'))).toBe(0);
    expect(server.requests).toEqual([]);
    expect(await readFile(join(metadata, 'root.json'))).toEqual(repository.factoryRoot);
    expect(await client(...urls(), 'refresh')).toBe(0);
    expect(await trusted()).toEqual(['root.json', 'snapshot.json', 'targets.json', 'timestamp.json']);
    repository.timestamp['version'] = 1;
    repository.publishTimestamp();
    expect(await client(...urls(), 'refresh')).toBe(1);
  });

  it('refreshes and downloads several targets, and none a second time', async () => {
    await client('init', join(work, 'root'));
    expect(await download('a/one', 'two')).toBe(0);
    const names = await readdir(join(work, 'targets'));
    expect(await Promise.all(names.sort().map((name) => readFile(join(work, 'targets', name), 'utf8')))).toEqual([
      '1',
      '2',
    ]);
    server.requests.length = 0;
    expect(await download('a/one', 'two')).toBe(0);
    expect(server.requests.filter((path) => path.startsWith('targets/'))).toEqual([]);
    expect(await download('missing')).toBe(1);
  });

  it('asks a repository whose root is broken for nothing', async () => {
    await writeFile(join(work, 'root'), '{"signed": {"_type": "root"}}');
    await client('init', join(work, 'root'));
    expect(await client(...urls(), 'refresh')).toBe(1);
    expect(server.requests).toEqual([]);
  });
});
