import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { diskFiles, type FileSystem } from '../../../core/file-system.ts';
import type { FileServer } from '../../support/file-server.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { type Box, newBox, servedRepository } from '../../support/tuf-box.ts';
import { day, newKey, type TufTestRepository } from '../../support/tuf-repository.ts';

const folder = temporaryFolder();
const CHANGES = ['open', 'rename', 'remove', 'removeFolder', 'makeFolder', 'syncFolder'] as const;

/** The disk until the given number of acts that change it; after that every one fails, as when the process is gone. */
function cutAfter(acts: number): { readonly files: FileSystem; readonly reached: () => boolean } {
  let done = 0;
  const act = (): void => {
    if (done++ >= acts) throw new Error('the power is gone');
  };
  const files: FileSystem = { ...diskFiles };
  for (const name of CHANGES) {
    const real = diskFiles[name] as (...args: unknown[]) => Promise<unknown>;
    Object.assign(files, {
      [name]: async (...args: unknown[]) => {
        act();
        const result = await real(...args);
        if (name !== 'open') return result;
        const file = result as Awaited<ReturnType<FileSystem['open']>>;
        const guarded =
          <A extends unknown[]>(method: (...given: A) => Promise<void>) =>
          async (...given: A) => {
            act();
            await method(...given);
          };
        return { ...file, write: guarded(file.write), sync: guarded(file.sync), truncate: guarded(file.truncate) };
      },
    });
  }
  return { files, reached: () => done > acts };
}

let repository: TufTestRepository;
let server: FileServer;
let box: Box;

beforeEach(async () => {
  ({ repository, server, box } = await servedRepository(folder(), { model: 'the old model' }));
  await box.fetch('model');
});
afterEach(() => server.close());

describe('a session that is cut', () => {
  it('at any act on the disk is gone on from by the next, which still refuses what is older', async () => {
    const old = new Map(repository.served);
    repository.trust('timestamp', 1, [newKey()]);
    repository.root['version'] = 2;
    repository.publishRoot();
    repository.add('model', Buffer.from('the new model'));
    repository.next();
    const fresh = new Map(repository.served);
    const serve = (state: ReadonlyMap<string, Buffer>): void => {
      repository.served.clear();
      for (const [path, bytes] of state) repository.served.set(path, bytes);
    };

    let acts = 0;
    for (; ; acts++) {
      serve(old);
      const each = await newBox(folder(), repository.factoryRoot, server.url);
      await each.fetch('model');
      serve(fresh);
      const { files, reached } = cutAfter(acts);
      await each.fetch('model', { files }).catch(() => {});
      expect(await each.fetch('model'), `cut after ${acts} acts`).toBe('the new model');
      serve(old);
      await expect(each.refresh(), `cut after ${acts} acts`).rejects.toMatchObject({ code: 'UPDATE_REFUSED' });
      if (!reached()) break;
    }
    expect(acts).toBeGreaterThan(25); // two floors and four roles of five acts each, and the download
  });
});

describe('a delegated role that has expired', () => {
  it('is taken nothing from until it is renewed', async () => {
    const role = repository.delegate('signs', ['signs/*']);
    repository.add('signs/1', Buffer.from('a sign'), role);
    for (const document of [repository.root, repository.targets, repository.snapshot, repository.timestamp])
      document['expires'] = day(30);
    repository.root['version'] = 2;
    repository.publishRoot();
    repository.next();
    expect(await box.fetch('signs/1')).toBe('a sign');
    const later = { now: () => Date.now() + 18 * 86_400_000 };
    await expect(box.fetch('signs/1', later)).rejects.toMatchObject({ code: 'UPDATE_EXPIRED' });
    role['expires'] = day(21);
    repository.next();
    expect(await box.fetch('signs/1', later)).toBe('a sign');
  });
});
