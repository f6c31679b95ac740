import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileServer } from '../../support/file-server.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { type Box, servedRepository } from '../../support/tuf-box.ts';
import type { TufTestRepository } from '../../support/tuf-repository.ts';

/** Documents that are rightly signed, by a thief of a key or by another program, and what they lead the box to do. */

const folder = temporaryFolder();
let repository: TufTestRepository;
let server: FileServer;
let box: Box;

beforeEach(async () => {
  ({ repository, server, box } = await servedRepository(folder()));
});
afterEach(() => server.close());

const REFUSED = { code: 'UPDATE_REFUSED' };

describe('a version that is no number to count by', () => {
  it.each([1e300, 2 ** 53])('%d: what the box had stays, and its next update works', async (version) => {
    await box.refresh();
    repository.timestamp['version'] = 2;
    repository.timestamp['meta']['snapshot.json'] = { version };
    repository.publishTimestamp();
    await expect(box.refresh()).rejects.toMatchObject(REFUSED);
    repository.snapshot['meta']['targets.json'] = { version };
    repository.snapshot['version'] = 2;
    repository.publishSnapshot();
    await expect(box.refresh()).rejects.toMatchObject(REFUSED);
    repository.next();
    expect(await box.refresh()).toMatchObject({ timestamp: 3, snapshot: 3, targets: 2 });
  });
});

describe('the digest of a target', () => {
  it.each(['../../outside', '/outside', 'a/b', '', 'zz', '0'])('"%s" names no file', async (sha256) => {
    repository.targets['targets']['model'] = { length: 4, hashes: { sha256 } };
    repository.next();
    repository.served.set(`targets/${sha256}.model`, Buffer.from('evil'));
    await expect(box.fetch('model')).rejects.toMatchObject(REFUSED);
    const above = dirname(dirname(box.folder));
    expect((await readdir(above)).filter((name) => name.includes('outside'))).toEqual([]);
    expect(server.requests.filter((path) => path.startsWith('targets/'))).toEqual([]);
  });
});

describe('a role that is delegated to', () => {
  it('is asked in the order that was signed, also where its name is a number', async () => {
    for (const name of ['second', '10', '9']) {
      repository.add('model', Buffer.from(`of ${name}`), repository.delegate(name, ['*']));
    }
    repository.next();
    expect(await box.fetch('model')).toBe('of second');
    expect(server.requests.filter((path) => /\.(9|10)\.json$/.test(path))).toEqual([]);
  });

  it.each(['x'.repeat(300), '🚦'.repeat(30)])('has a name that a file can have: %s', async (name) => {
    repository.add('model', Buffer.from('m'), repository.delegate(name, ['*']));
    repository.next();
    await expect(box.fetch('model')).rejects.toMatchObject(REFUSED);
    expect((await box.state()).filter((file) => file.length > 100)).toEqual([]);
  });

  it('may sign for what begins with a point, and for nothing that a brace or an exclamation mark stands for', async () => {
    repository.add('.hidden', Buffer.from('hidden'), repository.delegate('star', ['*']));
    repository.add('b/model', Buffer.from('not its own'), repository.delegate('odd', ['!a/model', '{b,c}/model']));
    repository.next();
    expect(await box.fetch('.hidden')).toBe('hidden');
    await expect(box.fetch('b/model')).rejects.toMatchObject({ code: 'TARGET_UNKNOWN' });
  });
});

describe('a target of a name that objects have', () => {
  it.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])(
    '%s is there when it is listed only',
    async (name) => {
      const role = repository.delegate('signs', ['*']);
      repository.next();
      await expect(box.fetch(name)).rejects.toMatchObject({ code: 'TARGET_UNKNOWN' });
      const before = Object.getOwnPropertyDescriptor(role['targets'], name);
      expect(before).toBeUndefined();
      Object.defineProperty(role['targets'], name, { value: undefined, enumerable: true, writable: true });
      repository.add(name, Buffer.from(`of ${name}`), role);
      repository.next();
      expect(await box.fetch(name)).toBe(`of ${name}`);
    },
  );
});

describe('a document without end', () => {
  it('is broken off, whatever length a thief of the timestamp’s key has signed', async () => {
    repository.timestamp['version'] = 2;
    repository.timestamp['meta']['snapshot.json'] = { version: 1, length: 2 ** 40 };
    repository.publishTimestamp();
    repository.served.set('metadata/1.snapshot.json', Buffer.alloc(17 * 1024 * 1024, 0x20));
    await expect(box.refresh()).rejects.toMatchObject({ code: 'DOWNLOAD_TOO_LARGE' });
    expect(server.requests.at(-1)).toBe('metadata/1.snapshot.json');
  });

  it('of a hundred thousand entries is refused in seconds, before anybody has signed it', async () => {
    const entries = Array.from({ length: 100_000 }, (_, at) => [`e${at}`, { length: 0, hashes: { sha256: '00' } }]);
    repository.next();
    const document = { ...repository.targets, targets: Object.fromEntries(entries) };
    repository.served.set('metadata/2.targets.json', Buffer.from(JSON.stringify({ signed: document, signatures: [] })));
    const before = process.cpuUsage();
    await expect(box.refresh()).rejects.toMatchObject({ code: expect.stringMatching(/^(UPDATE_REFUSED|DOWNLOAD_)/) });
    expect(process.cpuUsage(before).user).toBeLessThan(10_000_000); // one of squares: some twenty minutes
  });
});
