import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keyId } from '../../../deploy/repository/keys/public-key.ts';
import { publish, refreshRepository } from '../../../deploy/repository/publish.ts';
import { rotate } from '../../../deploy/repository/rotate.ts';
import { type RepositoryServer, serveFolder } from '../../../deploy/repository/serve.ts';
import { mergeSignatures, signStaged } from '../../../deploy/repository/sign.ts';
import { addTarget, delegate, removeTarget } from '../../../deploy/repository/stage-targets.ts';
import { repositoryStatus } from '../../../deploy/repository/status.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { newOffice, type Office, officeKey } from '../../support/office.ts';
import { type Box, newBox } from '../../support/tuf-box.ts';

const inside = temporaryFolder();
let office: Office;
let folder: string;
let server: RepositoryServer | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(inside(), 'office-'));
  office = await newOffice(folder);
});
afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** A file with a model in it, and what it is. */
async function bundle(content: string, name = 'vehicles', version = '1') {
  const file = join(folder, `${name}-${version}.bundle`);
  await writeFile(file, content);
  return { file, custom: { name, version } };
}

/** A box that was set up with the first root. */
async function boxOf(): Promise<Box> {
  server ??= await serveFolder(join(office.folder, 'published'), { port: 0 });
  const root = await readFile(join(office.folder, 'published', 'metadata', '1.root.json'));
  return newBox(folder, root, server.url);
}

describe('a repository', () => {
  it('publishes what a threshold has signed, and boxes fetch it', async () => {
    const { first, second, third } = office.keys;
    expect(await office.publish([first, second])).toEqual({ root: 1, targets: 1, snapshot: 1, timestamp: 1 });
    const added = await addTarget(office.folder, {
      ...(await bundle('the first model')),
      custom: { name: 'vehicles', version: '1', minVersion: '1', formats: { package: 2 } },
    });
    expect(added).toMatchObject({ path: 'vehicles/1.bundle', role: 'targets', length: 15 });
    expect(await office.publish([second, third])).toEqual({ targets: 2, snapshot: 2, timestamp: 2 });
    const box = await boxOf();
    expect(await box.fetch('vehicles/1.bundle')).toBe('the first model');
    expect((await box.session((client) => client.target('vehicles/1.bundle'))).custom).toEqual({
      name: 'vehicles',
      version: '1',
      minVersion: '1',
      formats: { package: 2 },
    });
  });

  it('refuses to publish what too few have signed, and says who can', async () => {
    const { first, online } = office.keys;
    await expect(office.publish([first])).rejects.toMatchObject({
      code: 'REPOSITORY_UNSIGNED',
      message: 'root is signed by 1 of 2; who can sign: second, third',
    });
    expect(await readdir(office.folder)).toEqual(['repository.json', 'staged']); // nothing came out
    expect((await signStaged(office.folder, online)).roles).toEqual([]);
  });

  it('says what is published until when, and who has still to sign', async () => {
    const { first, second } = office.keys;
    const now = Date.now();
    await office.publish([first, second], now);
    await addTarget(office.folder, await bundle('the first model'));
    await signStaged(office.folder, first);
    const { published, staged } = await repositoryStatus(office.folder, now);
    expect(published.map(({ role, daysLeft, threshold }) => [role, daysLeft, threshold])).toEqual([
      ['root', 364, 2],
      ['timestamp', 2, 1],
      ['snapshot', 29, 1],
      ['targets', 179, 2],
    ]);
    expect(staged).toMatchObject([
      {
        role: 'targets',
        version: 2,
        complete: false,
        signing: [{ threshold: 2, signed: [{ name: 'first' }], missing: [{ name: 'second' }, { name: 'third' }] }],
        added: ['vehicles/1.bundle'],
        removed: [],
      },
    ]);
  });

  it('merges what was signed on other machines, and nothing that is of other content', async () => {
    const { first, second, third } = office.keys;
    const copies = await Promise.all(
      [second, third].map(async (signer) => {
        const copy = await mkdtemp(join(folder, 'copy-'));
        await cp(office.folder, copy, { recursive: true });
        if (signer === third) await addTarget(copy, await bundle('something else'));
        await signStaged(copy, signer);
        return copy;
      }),
    );
    await signStaged(office.folder, first);
    for (const copy of copies) await mergeSignatures(office.folder, copy);
    const { staged } = await repositoryStatus(office.folder);
    expect(staged.map(({ role, signing }) => [role, signing[0]?.signed.map(({ name }) => name)])).toEqual([
      ['root', ['first', 'second', 'third']],
      ['targets', ['first', 'second']], // Third's targets held something else
    ]);
  });

  it('forgets the signatures of what is staged anew', async () => {
    const { first, second, online } = office.keys;
    await office.publish([first, second]);
    await addTarget(office.folder, await bundle('one'));
    for (const signer of [first, second]) await signStaged(office.folder, signer);
    await addTarget(office.folder, await bundle('two', 'vehicles', '2'));
    await expect(publish(office.folder, [online])).rejects.toMatchObject({ code: 'REPOSITORY_UNSIGNED' });
    expect((await repositoryStatus(office.folder)).staged[0]?.added).toEqual([
      'vehicles/1.bundle',
      'vehicles/2.bundle',
    ]);
  });

  it('withdraws a target', async () => {
    const { first, second } = office.keys;
    await addTarget(office.folder, await bundle('one'));
    await office.publish([first, second]);
    await removeTarget(office.folder, 'vehicles/1.bundle');
    await office.publish([first, second]);
    await expect((await boxOf()).fetch('vehicles/1.bundle')).rejects.toMatchObject({ code: 'TARGET_UNKNOWN' });
  });

  it('lets a delegated role sign for its own paths alone', async () => {
    const { first, second, online } = office.keys;
    const fourth = await officeKey(folder, 'fourth');
    await delegate(office.folder, { role: 'site-north', paths: ['signs/*'], keys: [fourth.key], threshold: 1 });
    await office.publish([first, second, fourth]);
    expect(await addTarget(office.folder, await bundle('a sign', 'signs'))).toMatchObject({ role: 'site-north' });
    expect((await signStaged(office.folder, first)).roles).toEqual([]);
    await signStaged(office.folder, fourth);
    await publish(office.folder, [online]);
    const box = await boxOf();
    expect(await box.fetch('signs/1.bundle')).toBe('a sign');

    await addTarget(office.folder, { ...(await bundle('no sign')), role: 'site-north' });
    await signStaged(office.folder, fourth);
    await publish(office.folder, [online]);
    await expect(box.fetch('vehicles/1.bundle')).rejects.toMatchObject({ code: 'TARGET_UNKNOWN' });
  });

  it('changes the keys of a delegated role', async () => {
    const { first, second } = office.keys;
    const [fourth, fifth] = [await officeKey(folder, 'fourth'), await officeKey(folder, 'fifth')];
    await delegate(office.folder, { role: 'signs', paths: ['signs/*'], keys: [fourth.key], threshold: 1 });
    await addTarget(office.folder, await bundle('a sign', 'signs'));
    await office.publish([first, second, fourth]);
    await rotate(office.folder, { role: 'signs', add: [fifth.key], remove: [keyId(fourth.key)] });
    await expect(office.publish([first, second, fourth])).rejects.toMatchObject({
      message: /signs is signed by 0 of 1/,
    });
    await office.publish([fifth]);
    expect(await (await boxOf()).fetch('signs/1.bundle')).toBe('a sign');
  });

  it('replaces a stolen key: the new root is signed by the old keys and the new, and boxes follow', async () => {
    const { first, second, third } = office.keys;
    await addTarget(office.folder, await bundle('one'));
    await office.publish([first, second]);
    const box = await boxOf();
    await box.refresh();
    const fourth = await officeKey(folder, 'fourth');
    for (const role of ['root', 'targets']) {
      await rotate(office.folder, { role, add: [fourth.key], remove: [keyId(third.key).slice(0, 16)] });
    }
    for (const signer of [second, fourth]) await signStaged(office.folder, signer);
    // Of the old root Second alone has signed, of the new one both.
    expect((await repositoryStatus(office.folder)).staged[0]?.signing.map(({ signed }) => signed.length)).toEqual([
      1, 2,
    ]);
    expect(await office.publish([first])).toEqual({ root: 2, targets: 2, snapshot: 2, timestamp: 2 });
    expect(await box.refresh()).toEqual({ root: 2, timestamp: 2, snapshot: 2, targets: 2 });
    await addTarget(office.folder, await bundle('two', 'vehicles', '2'));
    expect((await signStaged(office.folder, third)).roles).toEqual([]);
  });

  it('replaces the online key, also when the versions it signed are near the highest', async () => {
    const { first, second, online } = office.keys;
    await office.publish([first, second]);
    const box = await boxOf();
    await box.refresh();
    const fresh = await officeKey(folder, 'fresh', 'p256');
    for (const role of ['snapshot', 'timestamp'])
      await rotate(office.folder, { role, add: [fresh.key], remove: [keyId(online.key)] });
    for (const signer of [first, second]) await signStaged(office.folder, signer);
    await expect(publish(office.folder, [online])).rejects.toMatchObject({ code: 'REPOSITORY_UNSIGNED' });
    await publish(office.folder, [fresh]);
    expect(await box.refresh()).toEqual({ root: 2, timestamp: 2, snapshot: 2, targets: 1 });
  });

  it('a box that was off for two years walks up every root', async () => {
    const { first, second } = office.keys;
    const now = Date.now();
    await addTarget(office.folder, await bundle('one'));
    await office.publish([first, second], now);
    const box = await boxOf();
    await box.refresh();
    const year = 365 * 86_400_000;
    for (const at of [now + 0.9 * year, now + 1.8 * year, now + 2 * year]) {
      for (const role of ['root', 'targets']) await rotate(office.folder, { role, now: at });
      await office.publish([first, second], at);
    }
    const later = { now: () => now + 2 * year };
    expect(await box.refresh(later)).toEqual({ root: 4, timestamp: 4, snapshot: 4, targets: 4 });
    expect(await box.fetch('vehicles/1.bundle', later)).toBe('one');
  });

  it('keeps the timestamp fresh with the online key alone, and the snapshot in time', async () => {
    const { first, second, online } = office.keys;
    const now = Date.now();
    await office.publish([first, second], now);
    const box = await boxOf();
    const day = 86_400_000;
    const later = (days: number) => ({ now: () => now + days * day });
    await expect(box.refresh(later(4))).rejects.toMatchObject({ code: 'UPDATE_EXPIRED' });
    expect(await refreshRepository(office.folder, [online], { now: now + 4 * day })).toEqual({ timestamp: 2 });
    expect(await box.refresh(later(4))).toMatchObject({ timestamp: 2, snapshot: 1 });
    expect(await refreshRepository(office.folder, [online], { now: now + 20 * day })).toEqual({
      snapshot: 2,
      timestamp: 3,
    });
    expect(await box.refresh(later(20))).toMatchObject({ timestamp: 3, snapshot: 2 });
    await expect(refreshRepository(office.folder, [first])).rejects.toMatchObject({ code: 'REPOSITORY_UNSIGNED' });
  });

  it('goes on after a publication that was cut before its last step: boxes see the old state until then', async () => {
    const { first, second, online } = office.keys;
    await office.publish([first, second]);
    const box = await boxOf();
    await addTarget(office.folder, await bundle('one'));
    for (const signer of [first, second]) await signStaged(office.folder, signer);
    const metadata = join(office.folder, 'published', 'metadata');
    const before = await readFile(join(metadata, 'timestamp.json'));
    const staged = await mkdtemp(join(folder, 'staged-'));
    await cp(join(office.folder, 'staged'), staged, { recursive: true });

    await publish(office.folder, [online]);
    await writeFile(join(metadata, 'timestamp.json'), before); // as if the last rename had not come
    await cp(staged, join(office.folder, 'staged'), { recursive: true });
    expect(await box.refresh()).toMatchObject({ timestamp: 1, targets: 1 });
    await publish(office.folder, [online]);
    expect(await box.fetch('vehicles/1.bundle')).toBe('one');
  });

  it('lets one at a time publish, and takes over from one that has ended', async () => {
    const { first, second, online } = office.keys;
    await office.publish([first, second]);
    const lock = join(office.folder, 'publishing.lock');
    await writeFile(lock, `${hostname()} ${process.pid}\n`);
    await expect(refreshRepository(office.folder, [online])).rejects.toMatchObject({ code: 'REPOSITORY_BUSY' });
    const { pid } = spawnSync('true');
    await writeFile(lock, `${hostname()} ${pid}\n`);
    expect(await refreshRepository(office.folder, [online])).toEqual({ timestamp: 2 });
    const both = await Promise.allSettled([1, 2].map(() => refreshRepository(office.folder, [online])));
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await refreshRepository(office.folder, [online])).toEqual({ timestamp: 4 });
  });

  it.each([
    ['a threshold that cannot be reached', { role: 'root', threshold: 4 }, 'USAGE'],
    ['a key that the role does not have', { role: 'root', remove: ['ffff'] }, 'USAGE'],
    ['a role that is not there', { role: 'nobody', threshold: 1 }, 'REPOSITORY_INVALID'],
  ])('refuses %s', async (_, change, code) => {
    await office.publish([office.keys.first, office.keys.second]);
    await expect(rotate(office.folder, change)).rejects.toMatchObject({ code });
  });

  it.each(['../outside', '/root', 'a//b', 'a/./b', ''])('refuses the target path "%s"', async (path) => {
    await expect(addTarget(office.folder, { ...(await bundle('x')), path })).rejects.toMatchObject({ code: 'USAGE' });
  });

  it.each([{ minVersion: ' ' }, { name: 'Vehicles' }, { version: '' }, { formats: { package: 0 } }])(
    'refuses a target that is said to be %j',
    async (wrong) => {
      const { file, custom } = await bundle('x');
      await expect(addTarget(office.folder, { file, custom: { ...custom, ...wrong } })).rejects.toMatchObject({
        code: 'USAGE',
      });
    },
  );

  it('says so where there is none, where it is damaged, and where nothing is staged', async () => {
    const { first, online } = office.keys;
    for (const act of [
      () => repositoryStatus(folder),
      () => publish(join(folder, 'nowhere'), [online]),
      () => refreshRepository(folder, [online]),
      () => signStaged(folder, first),
      () => rotate(folder, { role: 'root' }),
      () => removeTarget(folder, 'x'),
      async () => addTarget(folder, await bundle('x')),
      () => refreshRepository(office.folder, [online]), // nothing is published yet
    ]) {
      await expect(act()).rejects.toMatchObject({
        code: expect.stringMatching(/REPOSITORY_INVALID|TARGET_UNKNOWN/) as string,
      });
    }
    await office.publish([office.keys.first, office.keys.second]);
    await expect(office.publish([])).rejects.toMatchObject({ code: 'NOTHING_TO_DO' });
    await writeFile(join(office.folder, 'published', 'metadata', '1.snapshot.json'), '{');
    await expect(repositoryStatus(office.folder)).rejects.toMatchObject({ code: 'REPOSITORY_INVALID' });
  });
});
