import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileServer } from '../../support/file-server.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { type Box, servedRepository } from '../../support/tuf-box.ts';
import { day, newKey, signed, type TufTestRepository } from '../../support/tuf-repository.ts';

/** What the public conformance suite is known to ask of a client, by the numbers of TUF 1.0.34, 5. */

const folder = temporaryFolder();
let repository: TufTestRepository;
let server: FileServer;
let box: Box;

beforeEach(async () => {
  ({ repository, server, box } = await servedRepository(folder(), { 'vehicles/2': 'the second model' }));
});
afterEach(() => server.close());

const refused = (code = 'UPDATE_REFUSED') => ({ code });
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Publishes the next root. */
function nextRoot(signers = repository.keys['root'] ?? []): void {
  repository.root['version']++;
  repository.publishRoot(signers);
}

/** Changes what the timestamp says of the snapshot, and signs it. */
function snapshotMeta(change: (meta: Record<string, unknown>) => void): void {
  change(repository.timestamp['meta']['snapshot.json']);
  repository.publishTimestamp();
}

describe('the root (5.3)', () => {
  it('is followed over versions of which some have expired, and must not have expired itself', async () => {
    repository.root['expires'] = day(-1);
    nextRoot();
    await expect(box.refresh()).rejects.toMatchObject(refused('UPDATE_EXPIRED'));
    repository.root['expires'] = day(7);
    nextRoot();
    expect(await box.refresh()).toMatchObject({ root: 3 });
  });

  it('may be 40 versions on, and none may be left out', async () => {
    for (let version = 2; version <= 40; version++) nextRoot();
    const gap = repository.served.get('metadata/20.root.json');
    repository.served.delete('metadata/20.root.json');
    expect(await box.refresh()).toMatchObject({ root: 19 });
    repository.served.set('metadata/20.root.json', gap ?? Buffer.alloc(0));
    expect(await box.refresh()).toMatchObject({ root: 40 });
  });

  it('must say the version under whose name it lies', async () => {
    repository.root['version'] = 3;
    repository.served.set('metadata/2.root.json', signed(repository.root, repository.keys['root'] ?? []));
    await expect(box.refresh()).rejects.toMatchObject(refused());
  });

  it('goes over to new keys where old and new sign, and to none that only one of them signs', async () => {
    const [before, after] = [repository.keys['root'] ?? [], [newKey('p256'), newKey()]];
    repository.trust('root', 2, after);
    repository.root['version'] = 2;
    for (const signers of [before, after, [...before, ...after.slice(1)]]) {
      repository.publishRoot(signers);
      await expect(box.refresh()).rejects.toMatchObject(refused());
    }
    repository.publishRoot([...before, ...after]);
    expect(await box.refresh()).toMatchObject({ root: 2 });
    nextRoot();
    expect(await box.refresh(), 'the old key is done with').toMatchObject({ root: 3 });
  });

  it.each(['timestamp', 'snapshot', 'targets'] as const)('replaces the key of %s', async (role) => {
    await box.refresh();
    const stolen = repository.keys[role] ?? [];
    repository.trust(role, 1, [newKey('p256')]);
    nextRoot();
    const owners = repository.keys[role] ?? [];
    repository.keys[role] = stolen;
    repository.next();
    await expect(box.refresh()).rejects.toMatchObject(refused());
    repository.keys[role] = owners;
    repository.next();
    expect(await box.refresh()).toMatchObject({ root: 2, [role]: 4 });
  });

  it('counts a signature once, however often it is there, and none of a key that is not the role’s', async () => {
    const [key] = repository.keys['timestamp'] ?? [];
    if (key === undefined) throw new Error('no key');
    const other = newKey();
    repository.trust('timestamp', 2, [key, other]);
    nextRoot();
    const once = JSON.parse(signed(repository.timestamp, [key]).toString('utf8'));
    for (const signatures of [
      [once.signatures[0], once.signatures[0]],
      [once.signatures[0], { keyid: other.id, sig: '' }],
      [once.signatures[0], { keyid: other.id, sig: once.signatures[0].sig }],
      [once.signatures[0], ...JSON.parse(signed(repository.timestamp, [newKey()]).toString('utf8')).signatures],
    ]) {
      repository.served.set('metadata/timestamp.json', Buffer.from(JSON.stringify({ ...once, signatures })));
      await expect(box.refresh()).rejects.toMatchObject(refused());
    }
    // A signature that says nothing takes nothing from the others.
    repository.served.set('metadata/timestamp.json', signed(repository.timestamp, [newKey(), key, other]));
    expect(await box.refresh()).toMatchObject({ timestamp: 2 });
  });

  it('may know a key by an id that is no digest of it', async () => {
    repository.trust('timestamp', 1, [{ ...newKey(), id: 'the clock’s "key" \\ 1' }]);
    nextRoot();
    repository.next();
    expect(await box.refresh()).toMatchObject({ timestamp: 3 });
  });
});

describe('timestamp, snapshot and targets (5.4 to 5.6)', () => {
  it.each(['timestamp', 'snapshot', 'targets'] as const)('must not have expired: %s', async (role) => {
    await box.refresh();
    repository[role]['expires'] = day(-1);
    repository.next();
    await expect(box.refresh()).rejects.toMatchObject(refused('UPDATE_EXPIRED'));
    repository[role]['expires'] = day(7);
    repository.next();
    expect(await box.refresh()).toMatchObject({ [role]: 4 });
  });

  it('that have expired on the disk still say which versions were seen', async () => {
    for (const role of ['timestamp', 'snapshot', 'targets'] as const) repository[role]['expires'] = day(1);
    repository.next();
    await box.refresh();
    const later = Date.now() + 3 * 86_400_000;
    for (const role of ['timestamp', 'snapshot', 'targets'] as const) repository[role]['expires'] = day(6);
    repository.timestamp['version'] = 2;
    repository.publishTimestamp();
    await expect(box.refresh({ now: () => later })).rejects.toMatchObject(refused());
    repository.timestamp['version'] = 3;
    repository.next();
    expect(await box.refresh({ now: () => later })).toMatchObject({ timestamp: 4, snapshot: 4, targets: 4 });
  });

  it('a timestamp of the same version is no news, whatever it says', async () => {
    await box.refresh();
    server.requests.length = 0;
    snapshotMeta((meta) => {
      meta['version'] = 7;
    });
    expect(await box.refresh()).toMatchObject({ timestamp: 2, snapshot: 2 });
    expect(server.requests).toEqual(['metadata/2.root.json', 'metadata/timestamp.json']);
  });

  it('a snapshot must not be older than the one that an earlier timestamp named', async () => {
    await box.refresh();
    repository.timestamp['version'] = 3;
    snapshotMeta((meta) => {
      meta['version'] = 1;
    });
    await expect(box.refresh()).rejects.toMatchObject(refused());
  });

  it.each([
    ['another version', (meta: Record<string, unknown>) => (meta['version'] = 3)],
    ['another digest', (meta: Record<string, unknown>) => (meta['hashes'] = { sha256: '0'.repeat(64) })],
    ['a length that it passes', (meta: Record<string, unknown>) => (meta['length'] = 10)],
  ])('a snapshot is refused of which the timestamp says %s', async (_, change) => {
    const bytes = repository.served.get('metadata/2.snapshot.json') ?? Buffer.alloc(0);
    repository.served.set('metadata/3.snapshot.json', bytes);
    snapshotMeta(change);
    await expect(box.refresh()).rejects.toMatchObject({ code: expect.stringMatching(/^(UPDATE_REFUSED|DOWNLOAD_)/) });
  });

  it('digests and lengths of metadata may be left out, and bind where they are there', async () => {
    snapshotMeta((meta) => {
      delete meta['hashes'];
      delete meta['length'];
    });
    expect(await box.refresh()).toMatchObject({ snapshot: 2, targets: 2 });
    repository.next();
    const bytes = repository.served.get('metadata/3.targets.json') ?? Buffer.alloc(0);
    repository.snapshot['meta']['targets.json'] = {
      version: 3,
      length: bytes.length,
      hashes: { sha256: sha256(bytes) },
    };
    repository.publishSnapshot();
    expect(await box.refresh()).toMatchObject({ targets: 3 });
    repository.next();
    repository.snapshot['meta']['targets.json'] = { version: 4, hashes: { sha256: '0'.repeat(64) } };
    repository.publishSnapshot();
    await expect(box.refresh()).rejects.toMatchObject(refused());
  });

  it('a snapshot must not lower a version, nor drop a document that it had (5.5.5)', async () => {
    repository.delegate('signs', ['signs/*']);
    repository.next();
    await box.refresh();
    repository.next();
    repository.snapshot['meta']['targets.json'] = { version: 1 };
    repository.publishSnapshot();
    await expect(box.refresh()).rejects.toMatchObject(refused());
    repository.snapshot['meta']['targets.json'] = { version: 4 };
    delete repository.snapshot['meta']['signs.json'];
    repository.publishSnapshot();
    await expect(box.refresh()).rejects.toMatchObject(refused());
  });

  it('targets are refused that are not of the version that the snapshot names', async () => {
    repository.served.set(
      'metadata/3.targets.json',
      repository.served.get('metadata/2.targets.json') ?? Buffer.alloc(0),
    );
    repository.snapshot['meta']['targets.json'] = { version: 3 };
    repository.publishSnapshot();
    await expect(box.refresh()).rejects.toMatchObject(refused());
  });

  it('fields that nobody knows are signed for like all others, in canonical JSON', async () => {
    const odd = { '': 'empty', 'a"b\\c': 'Straße \u2028 🚦 \u0001 \n', list: [null, true, 0, -1, { z: 1, a: [] }] };
    for (const document of [repository.root, repository.timestamp, repository.snapshot, repository.targets])
      document['x-owner'] = odd;
    nextRoot();
    repository.next();
    expect(await box.refresh()).toEqual({ root: 2, timestamp: 3, snapshot: 3, targets: 3 });
    const bent = JSON.parse((repository.served.get('metadata/timestamp.json') ?? '').toString());
    bent.signed.version = 4;
    bent.signed['x-owner']['a"b\\c'] = 'Strasse';
    repository.served.set('metadata/timestamp.json', Buffer.from(JSON.stringify(bent)));
    await expect(box.refresh()).rejects.toMatchObject(refused());
  });
});

describe('without consistent snapshots', () => {
  it('metadata and targets lie under their plain names', async () => {
    repository.root['consistent_snapshot'] = false;
    nextRoot();
    for (const [path, bytes] of [...repository.served]) {
      const plain = path.replace(/(^|\/)(?:\d+|[0-9a-f]{64})\./, '$1');
      if (plain === path || path.endsWith('root.json')) continue;
      repository.served.delete(path);
      if (!path.includes('/1.')) repository.served.set(plain, bytes);
    }
    expect(await box.fetch('vehicles/2')).toBe('the second model');
    expect(server.requests.slice(-4)).toEqual([
      'metadata/timestamp.json',
      'metadata/snapshot.json',
      'metadata/targets.json',
      'targets/vehicles/2',
    ]);
  });
});

describe('targets and who may sign for them', () => {
  it.each(['a b/c d', 'per%20cent', '100%', 'ask?x=1', 'hash#1', 'Straße/🚦', '+plus&and', '.hidden', '~tilde'])(
    'are fetched by the path %s',
    async (path) => {
      repository.add(path, Buffer.from(`of ${path}`));
      repository.next();
      expect(await box.fetch(path)).toBe(`of ${path}`);
    },
  );

  it('are looked for in the order of delegations, before those of a role that comes later, up to one that ends the search', async () => {
    const first = repository.delegate('first', ['a/*']);
    const second = repository.delegate('second', ['a/*']);
    const below = repository.delegate('below', ['a/*'], first);
    repository.add('a/deep', Buffer.from('below'), below);
    repository.add('a/deep', Buffer.from('second'), second);
    repository.add('a/late', Buffer.from('late'), second);
    repository.next();
    expect(await box.fetch('a/deep')).toBe('below');
    expect(await box.fetch('a/late')).toBe('late');
    repository.targets['delegations'].roles[0].terminating = true;
    repository.next();
    expect(await box.fetch('a/deep')).toBe('below');
    await expect(box.fetch('a/late')).rejects.toMatchObject(refused('TARGET_UNKNOWN'));
  });

  it('a circle of delegations comes to its end, and so does a chain that is too long', async () => {
    let from = repository.delegate('role-0', ['*']);
    for (let depth = 1; depth < 40; depth++) from = repository.delegate(`role-${depth}`, ['*'], from);
    const [key] = repository.keys['role-0'] ?? [];
    repository.delegate('role-0', ['*'], from, key);
    repository.add('near', Buffer.from('near'), repository.delegated['role-3']);
    repository.add('far', Buffer.from('far'), repository.delegated['role-39']);
    repository.next();
    expect(await box.fetch('near')).toBe('near');
    await expect(box.fetch('far')).rejects.toMatchObject(refused('TARGET_UNKNOWN'));
    await expect(box.fetch('nowhere')).rejects.toMatchObject(refused('TARGET_UNKNOWN'));
  });

  it.each([
    ['other bytes of the same length', 'the Second model'],
    ['more bytes', 'the second model, and more'],
    ['fewer bytes', 'the second'],
  ])('are refused where the server has %s', async (_, content) => {
    for (const path of repository.served.keys())
      if (path.startsWith('targets/')) repository.served.set(path, Buffer.from(content));
    await expect(box.fetch('vehicles/2')).rejects.toMatchObject({
      code: expect.stringMatching(/^(UPDATE_REFUSED|DOWNLOAD_)/),
    });
  });

  it('are refused where any one digest of them is another', async () => {
    repository.targets['targets']['vehicles/2'].hashes.sha512 = '0'.repeat(128);
    repository.next();
    for (const [path, bytes] of [...repository.served])
      if (path.startsWith('targets/')) repository.served.set(`targets/vehicles/${'0'.repeat(128)}.2`, bytes);
    await expect(box.fetch('vehicles/2')).rejects.toMatchObject({
      code: expect.stringMatching(/^(UPDATE_REFUSED|DOWNLOAD_)/),
    });
  });
});
