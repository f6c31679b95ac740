import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { generateKey } from 'openpgp';
import { beforeAll, describe, expect, it } from 'vitest';
import { archiveKeys } from '../../../../scripts/package/apt/archive-key.ts';
import { debFields } from '../../../../scripts/package/apt/deb-fields.ts';
import { addToPool, KEYRING, writeIndices } from '../../../../scripts/package/apt/repository.ts';
import { debOf } from '../../../../scripts/package/deb.ts';
import { text } from '../../../../scripts/package/entries.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { describeWith } from '../../../support/requirements.ts';

const run = promisify(execFile);
const TIME = 1_790_000_000;
const MADE = new Date('2026-01-01T00:00:00Z');

const deb = (version: string): Promise<Buffer> =>
  debOf({
    fields: {
      ...{ Package: 'wayside', Version: version, Architecture: 'all' },
      ...{ Maintainer: 'A <a@b.example>', Description: 'tried' },
    },
    control: {},
    entries: [text('usr/share/wayside/version', version)],
    mtime: TIME,
    level: 0,
  });

async function newKey(file: string, passphrase?: string): Promise<string> {
  const { privateKey } = await generateKey({
    userIDs: [{ name: 'An archive', email: 'archive@b.example' }],
    date: MADE,
    ...(passphrase !== undefined && { passphrase }),
  });
  writeFileSync(file, privateKey);
  return file;
}

/** Every file of a folder by its path. */
function contentOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files
      .map(({ parentPath, name }) => join(parentPath, name))
      .map((file) => [file.slice(folder.length + 1), readFileSync(file, 'base64')]),
  );
}

describeWith({ needs: ['xz'] }, 'an apt archive', () => {
  const folder = temporaryFolder();
  const at = (...parts: readonly string[]): string => join(folder(), ...parts);
  let key: string;
  const publish = async (archive: string, version: string, time = TIME): Promise<string[]> => {
    await addToPool(archive, new Map([[`wayside_${version}_all.deb`, await deb(version)]]));
    return writeIndices(archive, { keys: await archiveKeys([key], undefined), time });
  };

  beforeAll(async () => {
    key = await newKey(at('secret.asc'));
  });

  it('is the same bytes for the same packages, key and time', async () => {
    expect(await publish(at('one'), '1')).toEqual(['pool/main/w/wayside/wayside_1_all.deb']);
    await publish(at('another'), '1');
    expect(contentOf(at('another'))).toEqual(contentOf(at('one')));
  });

  it('keeps what a box in the middle of reading asks for, by its digest', async () => {
    const before = contentOf(at('one'));
    expect(await publish(at('one'), '2', TIME + 1)).toHaveLength(2);
    const after = contentOf(at('one'));
    const named = Object.entries(before).filter(([path]) => path.includes('/by-hash/'));
    expect(named).toHaveLength(2);
    for (const [path, content] of named) expect(after[path]).toBe(content);
    expect(Object.keys(after).filter((path) => path.includes('/by-hash/'))).toHaveLength(4);
  });

  it('never takes another build of a version that it has', async () => {
    await expect(addToPool(at('one'), new Map([['wayside_1_all.deb', await deb('1.1')]]))).rejects.toThrow(
      'the archive has another build of this version',
    );
  });

  it('says until when it holds, where it is asked to', async () => {
    const keys = await archiveKeys([key], undefined);
    await publish(at('dated'), '1');
    await writeIndices(at('dated'), { keys, time: TIME, validDays: 7 });
    const release = readFileSync(at('dated/dists/stable/Release'), 'utf8');
    const time = (field: string): number => Date.parse(new RegExp(`^${field}: (.+)$`, 'm').exec(release)?.[1] ?? '');
    expect(time('Valid-Until') - time('Date')).toBe(7 * 86_400_000);
  });

  it.each([
    ['a key with a passphrase that nobody gave', 'pass', undefined, 'it has a passphrase'],
    ['a wrong passphrase', 'pass', 'word', 'expected an armoured OpenPGP secret key'],
  ])('refuses %s', async (_, passphrase, given, message) => {
    const locked = await newKey(at('locked.asc'), passphrase);
    await expect(archiveKeys([locked], given)).rejects.toThrow(message);
  });

  it('refuses what is no package, and an empty pool', async () => {
    mkdirSync(at('empty'));
    const signing = { keys: await archiveKeys([key], undefined), time: TIME };
    await expect(writeIndices(at('empty'), signing)).rejects.toThrow('there is no package');
    await addToPool(at('empty'), new Map([['odd.deb', Buffer.from('!<arch>\nodd')]]));
    await expect(writeIndices(at('empty'), signing)).rejects.toThrow('odd.deb: expected a Debian package');
  });

  describeWith({ needs: ['apt-get', 'gpgv'] }, 'read by apt itself', () => {
    /** apt with folders of its own, which trusts the key of `keyring` alone. */
    const apt = async (box: string, archive: string, keyring: string, ...args: readonly string[]): Promise<string> => {
      for (const part of ['lists/partial', 'archives/partial', 'etc/preferences.d'])
        mkdirSync(join(box, part), { recursive: true });
      writeFileSync(join(box, 'status'), '', { flag: 'a' });
      writeFileSync(join(box, 'sources.list'), `deb [signed-by=${keyring}] file:${archive} stable main\n`);
      const settings = {
        ...{ 'Dir::State::lists': join(box, 'lists'), 'Dir::State::status': join(box, 'status') },
        ...{ 'Dir::Cache': box, 'Dir::Cache::archives': join(box, 'archives') },
        ...{ 'Dir::Etc::sourcelist': join(box, 'sources.list'), 'Dir::Etc::sourceparts': '-' },
        ...{ 'Dir::Etc::preferencesparts': join(box, 'etc/preferences.d'), 'APT::Sandbox::User': '' },
        ...{ 'APT::Update::Error-Mode': 'any', 'Acquire::Languages': 'none', 'Debug::NoLocking': '1' },
      };
      const options = Object.entries(settings).map(([name, value]) => `-o${name}=${value}`);
      const { stdout, stderr } = await run('apt-get', [...options, ...args], {
        cwd: box,
        env: { ...process.env, LC_ALL: 'C' },
      });
      return stdout + stderr;
    };
    const trusted = (): string => at('two', KEYRING);
    const update = (box: string, archive = at('two'), keyring = trusted()): Promise<string> =>
      apt(at(box), archive, keyring, 'update');
    const offered = async (box: string): Promise<string> =>
      /Inst wayside .*/.exec(await apt(at(box), at('two'), trusted(), '--simulate', 'install', 'wayside'))?.[0] ?? '';
    /** An archive in which a file was changed behind the maker's back. */
    const tampered = (name: string, path: string, change: (content: string) => string): string => {
      cpSync(at('two'), at(name), { recursive: true });
      const file = at(name, path);
      writeFileSync(file, change(readFileSync(file, 'latin1')), 'latin1');
      return at(name);
    };

    beforeAll(() => publish(at('two'), '1'));

    it('offers its package, then the newer one, then says that nothing is newer', async () => {
      await update('box');
      expect(await offered('box')).toContain('(1 Wayside:stable [all])');
      writeFileSync(at('box/status'), await installed('1'));
      await publish(at('two'), '2', TIME + 60);
      await update('box');
      expect(await offered('box')).toContain('[1] (2 Wayside:stable [all])');
      writeFileSync(at('box/status'), await installed('2'));
      expect(await offered('box')).toBe('');
    });

    it('gives the bytes that were packed', async () => {
      await update('downloading');
      await apt(at('downloading'), at('two'), trusted(), 'download', 'wayside');
      expect(readFileSync(at('downloading/wayside_2_all.deb')).equals(await deb('2'))).toBe(true);
    });

    it('is refused with another key', async () => {
      await newKey(at('other.asc'));
      writeFileSync(at('other.pgp'), (await archiveKeys([at('other.asc')], undefined)).publicKeys);
      await expect(update('stranger', at('two'), at('other.pgp'))).rejects.toThrow(/NO_PUBKEY|not signed/);
    });

    it('is refused where its index was changed', async () => {
      const archive = tampered('index', 'dists/stable/main/binary-all/Packages', (all) =>
        all.replace('tried', 'tired'),
      );
      for (const name of readdirSync(join(archive, 'dists/stable/main/binary-all/by-hash/SHA256')))
        writeFileSync(join(archive, 'dists/stable/main/binary-all/by-hash/SHA256', name), 'x');
      writeFileSync(join(archive, 'dists/stable/main/binary-all/Packages.gz'), 'x');
      await expect(update('victim', archive)).rejects.toThrow(
        /Hash Sum mismatch|File has unexpected size|Failed to fetch/,
      );
    });

    it('is refused where what is signed was changed', async () => {
      const signed = tampered('signed', 'dists/stable/InRelease', (all) =>
        all.replace('Label: Wayside', 'Label: Waysidf'),
      );
      await expect(update('misled', signed)).rejects.toThrow(/BADSIG|not signed/);
    });

    it('goes from one key to the next by being signed with both', async () => {
      await newKey(at('next.asc'));
      const both = await archiveKeys([key, at('next.asc')], undefined);
      await addToPool(at('both'), new Map([['wayside_1_all.deb', await deb('1')]]));
      await writeIndices(at('both'), { keys: both, time: TIME });
      writeFileSync(at('next.pgp'), (await archiveKeys([at('next.asc')], undefined)).publicKeys);
      await update('old-box', at('both'), trusted());
      await update('new-box', at('both'), at('next.pgp'));
    });
  });
});

/** As dpkg keeps it of an installed package. */
async function installed(version: string): Promise<string> {
  const { control } = debFields('wayside.deb', await deb(version));
  return `${control}\nStatus: install ok installed\n\n`;
}

describe('the fields of a package', () => {
  it('are those that were written', async () => {
    expect(debFields('x', await deb('1.2'))).toMatchObject({ name: 'wayside', version: '1.2', architecture: 'all' });
  });
});
