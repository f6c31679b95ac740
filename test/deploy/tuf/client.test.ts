import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileServer } from '../../support/file-server.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { type Box, servedRepository } from '../../support/tuf-box.ts';
import { TufTestRepository } from '../../support/tuf-repository.ts';

const folder = temporaryFolder();
let repository: TufTestRepository;
let server: FileServer;
let box: Box;

beforeEach(async () => {
  ({ repository, server, box } = await servedRepository(folder(), { 'vehicles/2': 'the second model' }));
});
afterEach(() => server.close());

describe('a session of the TUF client', () => {
  it('brings every role up to date and leaves them whole on the disk, without a request more than needed', async () => {
    expect(await box.refresh()).toEqual({ root: 1, timestamp: 2, snapshot: 2, targets: 2 });
    expect(server.requests).toEqual([
      'metadata/2.root.json',
      'metadata/timestamp.json',
      'metadata/2.snapshot.json',
      'metadata/2.targets.json',
    ]);
    expect(await box.state()).toEqual(['floors.1', 'floors.2', 'snapshot.json', 'targets.json', 'timestamp.json']);
    server.requests.length = 0;
    await box.refresh();
    expect(server.requests).toEqual(['metadata/2.root.json', 'metadata/timestamp.json']);
  });

  it('fetches a target that is signed, says what its signers say of it, and fetches it once', async () => {
    expect(await box.fetch('vehicles/2')).toBe('the second model');
    expect((await box.session((client) => client.target('vehicles/2'))).custom).toEqual({ name: 'vehicles/2' });
    server.requests.length = 0;
    expect(await box.fetch('vehicles/2')).toBe('the second model');
    expect(server.requests.filter((path) => path.startsWith('targets/'))).toEqual([]);
  });

  it('says so when there is no such target', async () => {
    await expect(box.fetch('vehicles/3')).rejects.toMatchObject({ code: 'TARGET_UNKNOWN' });
  });

  it('follows a chain of roots, and never writes the factory root', async () => {
    for (let version = 2; version <= 5; version++) {
      repository.root['version'] = version;
      repository.publishRoot();
    }
    expect(await box.refresh()).toMatchObject({ root: 5 });
    expect(await readFile(join(box.folder, '..', 'root.json'))).toEqual(repository.factoryRoot);
  });

  it('finds delegated targets, also of roles whose names are no file names, and keeps their metadata', async () => {
    const role = repository.delegate('../signs & "lights"', ['signs/*']);
    repository.add('signs/1', Buffer.from('a sign'), role);
    repository.next();
    expect(await box.fetch('signs/1')).toBe('a sign');
    server.requests.length = 0;
    await box.session((client) => client.target('signs/1'));
    expect(server.requests).toEqual(['metadata/2.root.json', 'metadata/timestamp.json']);
  });

  it.each(['empty', 'cut short', 'zeroed', 'flipped'])('goes on when any one file of its state is %s', async (how) => {
    repository.root['version'] = 2;
    repository.publishRoot();
    const before = await box.refresh();
    for (const name of await box.state()) {
      const path = join(box.folder, name);
      const whole = await readFile(path);
      const damaged = {
        empty: Buffer.alloc(0),
        'cut short': whole.subarray(0, whole.length / 2),
        zeroed: Buffer.alloc(whole.length),
        flipped: Buffer.from(whole.map((byte, at) => (at === whole.length >> 1 ? byte ^ 4 : byte))),
      }[how];
      await writeFile(path, damaged ?? '');
      expect(await box.refresh(), name).toEqual(before);
    }
  });

  it('says that the versions it has seen are lost, when both copies are', async () => {
    await box.refresh();
    for (const name of ['floors.1', 'floors.2']) await writeFile(join(box.folder, name), '');
    await expect(box.refresh()).rejects.toMatchObject({ code: 'UPDATE_STATE_LOST' });
  });

  it('keeps what was verified before a failure', async () => {
    repository.served.delete('metadata/2.targets.json');
    await expect(box.refresh()).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
    expect(await box.state()).toEqual(['floors.1', 'floors.2', 'snapshot.json', 'timestamp.json']);
  });

  it('starts from a later factory root when the operator has installed one', async () => {
    await box.refresh();
    const anew = new TufTestRepository();
    anew.root['version'] = 3;
    anew.publishRoot();
    await writeFile(join(box.folder, '..', 'root.json'), anew.served.get('metadata/3.root.json') ?? '');
    repository.served.clear();
    for (const [path, bytes] of anew.served) repository.served.set(path, bytes);
    expect(await box.refresh()).toEqual({ root: 3, timestamp: 1, snapshot: 1, targets: 1 });
  });
});

describe('metadata that tuf-js 5.0.1 takes', () => {
  it.each([
    ['an expiry date that cannot be read', () => (repository.targets['expires'] = 'never'), /expires/],
    ['a role that is delegated to twice', () => [1, 2].map(() => repository.delegate('twice', ['*'])), /twice/],
    ['a role named as a property of every object', () => repository.delegate('constructor', ['*']), /constructor/],
  ])('is refused with %s', async (_, bend, says) => {
    bend();
    repository.next();
    await expect(box.refresh()).rejects.toMatchObject({
      code: 'UPDATE_REFUSED',
      message: expect.stringMatching(says) as string,
    });
  });

  it('is refused where a role is known by one delegator and not signed for another', async () => {
    const shared = repository.delegate('shared', ['a/*']);
    const other = repository.delegate('other', ['b/*']);
    repository.delegate('shared', ['b/*'], other); // with a key that did not sign it
    repository.add('a/1', Buffer.from('for a'), shared);
    repository.add('b/1', Buffer.from('for b'), shared);
    repository.next();
    await box.session(async (client) => {
      expect(await client.target('a/1')).toMatchObject({ path: 'a/1' });
      await expect(client.target('b/1')).rejects.toMatchObject({ code: 'UPDATE_REFUSED' });
    });
  });

  it('is refused where one key signs under two ids', async () => {
    const [key] = repository.keys['targets'] ?? [];
    if (key === undefined) throw new Error('no key');
    repository.trust('targets', 2, [key, { ...key, id: 'another' }]);
    repository.root['version'] = 2;
    repository.publishRoot();
    repository.next();
    await expect(box.refresh()).rejects.toMatchObject({ code: 'UPDATE_REFUSED', message: /1 of 2 keys/ });
  });
});
