import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKey } from 'openpgp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BootedDebian, bareDebian } from '../../bench/harness/boot/booted-debian.ts';
import { archiveKeys } from '../../scripts/package/apt/archive-key.ts';
import { addToPool, KEYRING, writeIndices } from '../../scripts/package/apt/repository.ts';
import { boxDeb } from '../../scripts/package/build.ts';
import { debOf } from '../../scripts/package/deb.ts';
import { type FileServer, serveFiles } from '../support/file-server.ts';
import { shellSteps } from '../support/guide-blocks.ts';
import { describeWith } from '../support/requirements.ts';
import { until } from '../support/until.ts';

const base = process.env['WAYSIDE_DEBIAN'] ?? join(tmpdir(), 'wayside-bookworm');
const needs = [
  { name: 'to be asked', met: process.env['WAYSIDE_BOOT'] === '1', hint: 'npm run test:boot, some minutes' },
  { name: 'root', met: process.getuid?.() === 0, hint: 'namespaces and mounts' },
  'debootstrap',
  'systemd-nspawn',
  'xz',
];
const GUIDE = shellSteps('docs/guide/apt-archive.md', 'Update the software of boxes').map(({ commands }) => commands);

describeWith({ needs }, 'a Debian 12 that updates from an archive', () => {
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
  let folder: string;
  let debian: BootedDebian;
  let server: FileServer | undefined;
  const files = new Map<string, Uint8Array>();

  /** Builds a version into the archive, as `npm run package -- --apt` does, and gives it out. */
  const publish = async (version: string, seconds: number): Promise<void> => {
    const deb = boxDeb(architecture, 1_700_000_000);
    const bytes = await debOf({ ...deb, fields: { ...deb.fields, Version: version }, level: 0 });
    const archive = join(folder, 'archive');
    await addToPool(archive, new Map([[`wayside_${version}_${architecture}.deb`, bytes]]));
    await writeIndices(archive, { keys: await archiveKeys([join(folder, 'key.asc')], undefined), time: seconds });
    for (const entry of readdirSync(archive, { recursive: true, withFileTypes: true })) {
      const file = join(entry.parentPath, entry.name);
      if (entry.isFile()) files.set(file.slice(archive.length + 1), readFileSync(file));
    }
  };
  const follow = async (beginning: string): Promise<string> => {
    const block = GUIDE.find((commands) => commands.startsWith(beginning));
    if (block === undefined) throw new Error(`the guide has no block that begins with ${beginning}`);
    return debian.do(
      `cd /root && set -e\n${block.replace('https://packages.your.example/wayside', server?.url ?? '')}`,
    );
  };
  const property = async (name: string): Promise<string> =>
    (await debian.do(`systemctl show wayside --property=${name} --value`)).trim();
  const version = async (): Promise<string> =>
    debian.do(`dpkg-query --show --showformat='\${Version} \${Status}' wayside`);
  const now = (): number => Math.floor(Date.now() / 1000);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wayside-apt-'));
    const { privateKey } = await generateKey({
      userIDs: [{ name: 'An archive' }],
      date: new Date(Date.now() - 60_000),
    });
    await writeFile(join(folder, 'key.asc'), privateKey);
    await publish('1.0', now() - 30);
    server = await serveFiles(files);
    debian = await BootedDebian.start(await bareDebian(base), join(folder, 'machine'));
    await debian.write(
      '/etc/apt/apt.conf.d/90test',
      'APT::Get::Assume-Yes "true";\nAPT::Install-Recommends "false";\n',
    );
    await debian.write(`/root/${KEYRING}`, await readFile(join(folder, 'archive', KEYRING)));
  });
  afterAll(async () => {
    await debian?.stop();
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('installs by the guide', async () => {
    await follow('install -m 644');
    expect(await version()).toBe('1.0 install ok installed');
    await until('the daemon to wait', async () => (await property('StatusText')).startsWith('waiting for'));
  });

  it('refuses an index that was changed on the way, and keeps what it has', async () => {
    const path = [...files.keys()].find((name) => name.endsWith('InRelease')) ?? '';
    const signed = files.get(path);
    files.set(
      path,
      Buffer.from(
        Buffer.from(signed ?? [])
          .toString()
          .replace('Label: Wayside', 'Label: Mayside'),
      ),
    );
    const { code, stderr } = await debian.run('apt-get update -o APT::Update::Error-Mode=any');
    expect({ code, stderr }).toEqual({ code: 100, stderr: expect.stringMatching(/BADSIG|not signed/) });
    if (signed !== undefined) files.set(path, signed);
    expect(await version()).toBe('1.0 install ok installed');
  });

  it('takes the next version unattended, as its timers have it done, and keeps the configuration', async () => {
    await follow('apt install unattended-upgrades');
    await debian.do('echo "# edited" > /etc/wayside/wayside.yaml');
    const before = await property('MainPID');
    await publish('1.1', now());
    // What apt-daily.timer and apt-daily-upgrade.timer start, at an hour that each machine draws for itself.
    await debian.do('systemctl start apt-daily.service && systemctl start apt-daily-upgrade.service');
    expect(await version(), await debian.do('cat /var/log/unattended-upgrades/*')).toBe('1.1 install ok installed');
    expect(await debian.do('cat /etc/wayside/wayside.yaml')).toBe('# edited\n');
    await until('the daemon of the new version to wait', async () =>
      (await property('StatusText')).startsWith('waiting for'),
    );
    expect(await property('MainPID')).not.toBe(before);
  });
});
