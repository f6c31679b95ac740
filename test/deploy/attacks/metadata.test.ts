import { createHash } from 'node:crypto';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Updater } from 'tuf-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileServer } from '../../support/file-server.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { type Box, newBox, servedRepository } from '../../support/tuf-box.ts';
import { day, newKey, type TestKey, TufTestRepository } from '../../support/tuf-repository.ts';

/**
 * Each attack first succeeds against a client that somebody might have written, and is then refused by the client of the
 * boxes. The naive one is either a plain download, or tuf-js as it is.
 */

const folder = temporaryFolder();
const GOOD = 'the model that was signed';
const BAD = 'the model of the attacker';
const PATH = 'vehicles/1';

let repository: TufTestRepository;
let server: FileServer;
let box: Box;

beforeEach(async () => {
  ({ repository, server, box } = await servedRepository(folder(), { [PATH]: GOOD }, { threshold: 2 }));
});
afterEach(() => server.close());

/** Fetches whatever lies at the address of the target: TLS alone would not help against the server itself. */
async function plainDownload(): Promise<string> {
  return (await fetch(`${server.url}${targetFile()}`)).text();
}

const targetFile = (): string => [...repository.served.keys()].find((path) => path.startsWith('targets/')) ?? '';

/** tuf-js 5.0.1 as it comes, with its metadata in a folder that outlives the sessions. */
async function tufJs(): Promise<{ readonly folder: string; readonly fetch: (path?: string) => Promise<string> }> {
  const naive = await mkdtemp(join(folder(), 'naive-'));
  await writeFile(join(naive, 'root.json'), repository.factoryRoot);
  return {
    folder: naive,
    async fetch(path = PATH) {
      const urls = { metadataBaseUrl: `${server.url}metadata`, targetBaseUrl: `${server.url}targets` };
      const updater = new Updater({ metadataDir: naive, targetDir: naive, ...urls, config: { fetchRetries: 0 } });
      const target = await updater.getTargetInfo(path);
      if (target === undefined) throw new Error('no such target');
      return readFile(await updater.downloadTarget(target), 'utf8');
    },
  };
}

/** What the server holds now, to be served again later. */
const copyOf = (): ReadonlyMap<string, Buffer> => new Map(repository.served);

function serveAgain(copy: ReadonlyMap<string, Buffer>): void {
  repository.served.clear();
  for (const [path, bytes] of copy) repository.served.set(path, bytes);
}

/** Publishes another content under the same path, signed as it should be. */
function publishBetter(content: string): void {
  repository.add(PATH, Buffer.from(content));
  repository.next();
}

const refused = { code: 'UPDATE_REFUSED' };

describe('an attack', () => {
  it('arbitrary artefact: the file on the server is replaced', async () => {
    repository.served.set(targetFile(), Buffer.from(BAD.padEnd(GOOD.length).slice(0, GOOD.length)));
    expect(await plainDownload()).toContain('attacker');
    await expect(box.fetch(PATH)).rejects.toMatchObject(refused);
  });

  it('arbitrary artefact: all metadata is made anew with other keys', async () => {
    const theirs = new TufTestRepository();
    theirs.add(PATH, Buffer.from(BAD));
    theirs.next();
    repository.served.clear();
    for (const [path, bytes] of theirs.served) repository.served.set(path, bytes);
    expect(await plainDownload()).toBe(BAD);
    await expect(box.fetch(PATH)).rejects.toMatchObject(refused);
  });

  it('rollback: an older, rightly signed state is served again', async () => {
    const old = copyOf();
    const forgetful = await tufJs();
    publishBetter('a safer model');
    expect(await box.fetch(PATH)).toBe('a safer model');
    serveAgain(old);
    expect(await forgetful.fetch()).toBe(GOOD); // knows nothing of the later one
    await expect(box.fetch(PATH)).rejects.toMatchObject(refused);
  });

  it('rollback after timestamp and snapshot were emptied on the disk', async () => {
    const old = copyOf();
    const naive = await tufJs();
    publishBetter('a safer model');
    for (const fetched of [await naive.fetch(), await box.fetch(PATH)]) expect(fetched).toBe('a safer model');
    serveAgain(old);
    await expect(naive.fetch()).rejects.toThrow(/version/);
    for (const name of ['timestamp.json', 'snapshot.json']) {
      await writeFile(join(naive.folder, name), '');
      await writeFile(join(box.folder, name), '');
    }
    expect(await naive.fetch()).toBe(GOOD);
    await expect(box.fetch(PATH)).rejects.toMatchObject(refused);
  });

  it('rollback after every metadata file was emptied, one copy of the floors among them, and later roots withheld', async () => {
    const old = copyOf();
    repository.trust('timestamp', 1, [newKey()]);
    repository.root['version'] = 2;
    repository.publishRoot();
    publishBetter('a safer model');
    await box.fetch(PATH);
    serveAgain(old);
    for (const name of await box.state()) if (name !== 'floors.2') await writeFile(join(box.folder, name), '');
    expect(await (await tufJs()).fetch()).toBe(GOOD);
    await expect(box.fetch(PATH)).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('root') as string,
    });
  });

  it('fast-forward: versions are raised near the highest; the repository recovers with new keys', async () => {
    const stolen = { timestamp: repository.keys['timestamp'] ?? [], snapshot: repository.keys['snapshot'] ?? [] };
    Object.assign(repository.timestamp, { version: 2 ** 40 });
    Object.assign(repository.snapshot, { version: 2 ** 40 });
    repository.publishSnapshot();
    await box.refresh();

    Object.assign(repository.timestamp, { version: 5 });
    Object.assign(repository.snapshot, { version: 5 });
    publishBetter('a safer model');
    await expect(box.refresh()).rejects.toMatchObject(refused); // for good, were it not for the root

    for (const role of ['timestamp', 'snapshot'] as const) repository.trust(role, 1, [newKey()]);
    repository.root['version'] = 2;
    repository.publishRoot();
    publishBetter('a safer model still');
    expect(await box.fetch(PATH)).toBe('a safer model still');
    expect(repository.keys['timestamp']).not.toEqual(stolen.timestamp);
  });

  it('freeze: a state that was good is served until long after it expired', async () => {
    const frozen = copyOf();
    expect(await plainDownload()).toBe(GOOD);
    serveAgain(frozen);
    const now = (): number => Date.now() + 8 * 86_400_000;
    await expect(box.fetch(PATH, { now })).rejects.toMatchObject({ code: 'UPDATE_EXPIRED' });
  });

  it('freeze with the clock set back: the box knows that it was later once', async () => {
    const real = Date.now();
    const later = (): number => real + 8 * 86_400_000;
    for (const document of [repository.root, repository.targets, repository.snapshot]) document['expires'] = day(30);
    repository.root['version'] = 2;
    repository.publishRoot();
    repository.next();
    const frozen = copyOf(); // its timestamp expires in 7 days
    repository.timestamp['expires'] = day(9);
    repository.next();
    const other = await newBox(folder(), repository.factoryRoot, server.url);
    await box.refresh({ now: later });

    // Without the floor of versions the floor of time still stands.
    const floors = JSON.parse(await readFile(join(box.folder, 'floors.1'), 'utf8')) as {
      body: { generation: number; time: number };
    };
    const { generation, time } = floors.body;
    const body = JSON.stringify({ generation, time, root: 0 });
    const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`;
    for (const name of ['floors.1', 'floors.2'])
      await writeFile(join(box.folder, name), `{"body":${body},"digest":"${digest}"}`);
    for (const name of ['timestamp.json', 'snapshot.json']) await writeFile(join(box.folder, name), '');

    serveAgain(frozen);
    expect(await other.refresh({ now: () => real })).toMatchObject({ timestamp: 3 }); // a box that was never later
    await expect(box.refresh({ now: () => real })).rejects.toMatchObject({ code: 'UPDATE_EXPIRED' });
  });

  it('mix and match: parts of two states that were never published together', async () => {
    const old = copyOf();
    publishBetter('a safer model');
    const oldTargets = old.get('metadata/2.targets.json') ?? Buffer.alloc(0);
    repository.served.set('metadata/3.targets.json', oldTargets);
    repository.served.set(targetFile(), Buffer.from(GOOD));
    expect(await plainDownload()).toBe(GOOD);
    await expect(box.fetch(PATH)).rejects.toMatchObject(refused);
  });

  it('wrong target: another file that is signed too is served in its place', async () => {
    repository.add('vehicles/0', Buffer.from('a signed model with a flaw'));
    repository.next();
    const flawed = [...repository.served.values()].find((bytes) => bytes.toString().includes('flaw'));
    repository.served.set(targetFile(), flawed ?? Buffer.alloc(0));
    expect(await plainDownload()).toContain('flaw');
    await expect(box.fetch(PATH)).rejects.toMatchObject({ code: 'DOWNLOAD_TOO_LARGE' });
  });

  it('one key stolen of a threshold of two', async () => {
    const [stolen] = repository.keys['targets'] ?? [];
    repository.keys['targets'] = [stolen as TestKey];
    publishBetter(BAD);
    expect(await plainDownload()).toBe(GOOD);
    expect(repository.targets['targets'][PATH].length).toBe(BAD.length); // a reader of the document alone takes it
    await expect(box.fetch(PATH)).rejects.toMatchObject({
      ...refused,
      message: expect.stringMatching(/1\/2|1 of 2/) as string,
    });
  });

  it('the threshold stolen, until root is rotated', async () => {
    const thief = repository.keys['targets'] ?? [];
    const late = await tufJs();
    publishBetter(BAD);
    expect(await late.fetch()).toBe(BAD); // the threshold is what is trusted: this one succeeds against everybody

    repository.trust('targets', 2, [newKey(), newKey()]);
    repository.root['version'] = 2;
    repository.publishRoot();
    const owners = repository.keys['targets'] ?? [];
    repository.keys['targets'] = thief;
    publishBetter(`${BAD}, again`);
    await expect(box.fetch(PATH)).rejects.toMatchObject(refused);
    repository.keys['targets'] = owners;
    publishBetter('a model of the owners');
    expect(await box.fetch(PATH)).toBe('a model of the owners');
  });

  it('a root that its predecessor did not sign', async () => {
    repository.trust('root', 2, [newKey(), newKey()]);
    repository.root['version'] = 2;
    repository.publishRoot();
    await expect(box.refresh()).rejects.toMatchObject(refused);
  });

  it('delegation escape: a delegated role signs for a path that is not its own', async () => {
    const role = repository.delegate('signs', ['signs/*']);
    repository.add('bicycles/1', Buffer.from(BAD), role);
    repository.add('signs/1', Buffer.from('a sign'), role);
    repository.next();
    expect(role['targets']['bicycles/1']).toBeDefined(); // who reads every document finds it
    expect(await box.fetch('signs/1')).toBe('a sign');
    await expect(box.fetch('bicycles/1')).rejects.toMatchObject({ code: 'TARGET_UNKNOWN' });
  });

  it.each(['../outside/1', 'a/../../b', 'a//b', '/etc/passwd', 'a/./b'])('a target of the path %s', async (path) => {
    repository.add(path, Buffer.from(BAD));
    repository.next();
    await expect(box.fetch(path)).rejects.toMatchObject(refused);
  });
});
