import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { boxDeb } from '../../scripts/package/build.ts';
import { debOf } from '../../scripts/package/deb.ts';
import { BootedDebian, bareDebian } from '../support/booted-debian.ts';
import { shellSteps } from '../support/guide-blocks.ts';
import { Listener } from '../support/listener.ts';
import { Mosquitto } from '../support/mosquitto.ts';
import { describeWith } from '../support/requirements.ts';
import { until } from '../support/until.ts';

const base = process.env['WAYSIDE_DEBIAN'] ?? join(tmpdir(), 'wayside-bookworm');
const needs = [
  { name: 'to be asked', met: process.env['WAYSIDE_BOOT'] === '1', hint: 'npm run test:boot, some minutes' },
  { name: 'root', met: process.getuid?.() === 0, hint: 'namespaces and mounts' },
  'debootstrap',
  'systemd-nspawn',
  'lintian',
  'mosquitto',
  'xz',
];

/** Writes five grey frames a second, as a decoder does. */
const DECODER = `#!/usr/lib/wayside/bin/node
const frame = Buffer.concat([Buffer.from('P6 64 48 255\\n'), Buffer.alloc(64 * 48 * 3, 120)]);
setInterval(() => process.stdout.write(frame), 200);
`;

/** What a person does at the prompt; the editor writes what the test put there for it. */
const GUIDE = shellSteps('docs/guide/install.md', 'Install a box').map(({ commands }) => commands);
const EDITOR = '#!/bin/sh\ncat /root/edited.yaml > "$1"\n';
const APT = 'APT::Get::Assume-Yes "true";\nAPT::Install-Recommends "false";\n';

describeWith({ needs }, 'a bare Debian 12', () => {
  let deb: ReturnType<typeof boxDeb>;
  let folder: string;
  let debian: BootedDebian;
  let broker: Mosquitto;
  let listener: Listener;

  /** The block of the guide that begins so, word for word. */
  const follow = (beginning: string): ReturnType<BootedDebian['run']> => {
    const block = GUIDE.find((commands) => commands.startsWith(beginning));
    if (block === undefined) throw new Error(`the guide has no block that begins with ${beginning}`);
    return debian.run(`cd /root && set -e\n${block}`);
  };
  const property = async (name: string): Promise<string> =>
    (await debian.do(`systemctl show wayside --property=${name} --value`)).trim();
  const config = (rate: number): string =>
    JSON.stringify({
      site: 'test',
      box: 'box',
      mqtt: {
        url: broker.url,
        username: 'box',
        passwordFile: '/run/credentials/wayside.service/secrets_mqtt',
      },
      model: { store: '/var/lib/wayside-models', name: 'street' },
      cameras: [
        { id: 'north', url: 'rtsp://127.0.0.1:1/', rate, decoder: { command: ['/usr/local/bin/frames', '-'] } },
      ],
    });

  beforeAll(async () => {
    deb = boxDeb(process.arch === 'arm64' ? 'arm64' : 'amd64', 1_700_000_000);
    const upgraded = { ...deb, fields: { ...deb.fields, Version: `${deb.fields['Version']}+1` } };
    folder = await mkdtemp(join(tmpdir(), 'wayside-booted-'));
    broker = await Mosquitto.start(folder);
    listener = await Listener.start(broker.url);
    debian = await BootedDebian.start(await bareDebian(base), join(folder, 'machine'));
    await debian.write('/root/wayside_1_test.deb', await debOf({ ...deb, level: 0 }));
    await debian.write('/root/upgrade.deb', await debOf({ ...upgraded, level: 0 }));
    await debian.write('/usr/local/bin/frames', DECODER, 0o755);
    await debian.write('/usr/local/bin/editor', EDITOR, 0o755);
    await debian.write('/etc/apt/apt.conf.d/90test', APT);
  });
  afterAll(async () => {
    await debian?.stop();
    await listener?.stop();
    await broker?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('is given a package in which lintian finds nothing that is not accounted for', async () => {
    const file = join(folder, 'wayside.deb');
    await writeFile(file, await debOf({ ...deb, level: 0 }));
    const { stdout } = await promisify(execFile)('lintian', ['--allow-root', '--fail-on=none', file]);
    expect(stdout).toBe('');
  });

  it('installs the package; its units run and wait for their configurations', async () => {
    expect(await follow('apt install')).toMatchObject({ code: 0 });
    await until('the daemon to wait', async () =>
      (await property('StatusText')).startsWith('waiting for a configuration'),
    );
    expect(await debian.do('systemctl is-active wayside wayside-agent')).toBe('active\nactive\n');
    expect(await property('NRestarts')).toBe('0');
  });

  it('publishes detections of the default model within 30 s of its configuration', async () => {
    const after = performance.now();
    await debian.write('/root/edited.yaml', config(5));
    expect(await follow('install -m 600')).toMatchObject({ code: 0 });
    const checked = await follow('cp /usr/share/wayside');
    expect(checked).toMatchObject({ code: 0, stdout: expect.stringContaining('is valid: test/box') });
    const { at } = await listener.next('detections', ({ model }) => model.name === 'street', { after });
    expect(at - after).toBeLessThan(30_000);
  });

  it('fails a reload after a bad edit, with the reason, and goes on', async () => {
    await debian.write('/root/edited.yaml', 'site: [');
    expect((await follow('editor')).code).not.toBe(0);
    expect((await follow('journalctl')).stdout).toContain('CONFIG_INVALID');
    expect((await follow('systemctl status')).stdout).toMatch(/Status: .*refused: CONFIG_INVALID/);
    const after = performance.now();
    await listener.next('detections', () => true, { after });
    await debian.write('/root/edited.yaml', config(4));
    expect(await follow('editor')).toMatchObject({ code: 0 });
  });

  it('is there again after kill -9', async () => {
    const pid = await property('MainPID');
    const after = performance.now();
    await debian.do(`kill -9 ${pid}`);
    await listener.next('detections', () => true, { after: after + 1000 });
    expect(await property('MainPID')).not.toBe(pid);
  });

  it('keeps its models out of reach of what parses video', async () => {
    const pid = await property('MainPID');
    const inside = (line: string): ReturnType<BootedDebian['run']> =>
      debian.run(
        `nsenter --target ${pid} --mount setpriv --reuid wayside --regid wayside --clear-groups sh -c '${line}'`,
      );
    expect((await inside('cat /var/lib/wayside-models/factory/street/manifest.json')).code).toBe(0);
    expect((await inside('touch /var/lib/wayside-models/x')).code).not.toBe(0);
    expect((await inside('touch /etc/wayside/x')).code).not.toBe(0);
    expect((await inside('ls /home/* /root/*')).code).not.toBe(0);
    expect((await inside('touch /var/lib/wayside/x && rm /var/lib/wayside/x')).code).toBe(0);
  });

  it('is upgraded with its configuration kept and at most 5 s without frames', async () => {
    const pid = await property('MainPID');
    const before = await debian.do('cat /etc/wayside/wayside.yaml');
    const since = performance.now();
    await debian.do('dpkg --install /root/upgrade.deb');
    await listener.next('detections', () => true, { after: performance.now() });
    expect(await property('MainPID')).not.toBe(pid);
    expect(await debian.do('cat /etc/wayside/wayside.yaml')).toBe(before);
    const times = listener.heard.filter(({ kind, at }) => kind === 'detections' && at >= since).map(({ at }) => at);
    expect(Math.max(...times.map((at, index) => at - (times[index - 1] ?? since)))).toBeLessThan(5000);
  });

  it('keeps configuration, secrets and models when it is removed', async () => {
    await debian.do('touch /var/lib/wayside/journal /var/lib/wayside-models/record');
    expect(await follow('apt remove')).toMatchObject({ code: 0 });
    const kept = [
      '/etc/wayside/wayside.yaml',
      '/etc/wayside/secrets/mqtt',
      '/var/lib/wayside/journal',
      '/var/lib/wayside-models/record',
    ];
    await debian.do(kept.map((path) => `test -e ${path}`).join(' && '));
    expect((await debian.run('systemctl is-active wayside')).code).not.toBe(0);
    expect((await debian.run('test -e /usr/lib/wayside')).code).not.toBe(0);
  });

  it('is installed again over what was kept, and runs', async () => {
    const after = performance.now();
    expect(await follow('apt install')).toMatchObject({ code: 0 });
    await listener.next('detections', () => true, { after });
  });

  it('leaves nothing but its users when it is purged', async () => {
    expect(await follow('apt purge')).toMatchObject({ code: 0 });
    const gone = [
      '/etc/wayside',
      '/var/lib/wayside',
      '/var/lib/wayside-models',
      '/usr/lib/wayside',
      '/usr/share/wayside',
      '/run/wayside',
    ];
    await debian.do(gone.map((path) => `test ! -e ${path}`).join(' && '));
    await debian.do('id wayside && id wayside-agent');
    expect((await debian.do('find /etc/systemd /var/lib/systemd -name "*wayside*"')).trim()).toBe('');
  });
});
