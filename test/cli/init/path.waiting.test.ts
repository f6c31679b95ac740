import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { systemUser } from '../../../daemon/probe/user.ts';
import type { RtspServer } from '../../../demo/rtsp/server.ts';
import { writeColourPackage } from '../../support/colour-package.ts';
import { DaemonProcess } from '../../support/daemon-process.ts';
import { type FileServer, serveFiles } from '../../support/file-server.ts';
import { Listener } from '../../support/listener.ts';
import { Mosquitto } from '../../support/mosquitto.ts';
import { describeWith, program } from '../../support/requirements.ts';
import { startColourCamera } from '../../support/rig.ts';
import { type Run, runWayside } from '../../support/wayside.ts';

const SECRETS = { mqtt: 'br0ker-word', camera: 'c4mera-word' };
const ACL = ['pattern write wayside/v1/+/%u/#', 'pattern read wayside/v1/+/%u/#', 'user centre', 'topic read #'];
const ROOT = Buffer.from(
  JSON.stringify({ signed: { _type: 'root', version: 1, expires: '2040-01-01T00:00:00Z' }, signatures: [] }),
);

describeWith({ needs: ['mosquitto', 'mosquitto_passwd', 'ffmpeg'] }, 'setting up a box', () => {
  let folder: string;
  let broker: Mosquitto;
  let camera: RtspServer;
  let updates: FileServer;
  const at = (...path: string[]): string => join(folder, ...path);
  const etc = (...path: string[]): string => at('root', 'etc', 'wayside', ...path);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wayside-init-'));
    await writeFile(at('passwords'), '');
    for (const [user, word] of Object.entries({ one: SECRETS.mqtt, centre: 'centre' }))
      execFileSync(program('mosquitto_passwd') ?? '', ['-b', at('passwords'), user, word]);
    await writeFile(at('acl'), [...ACL, ''].join('\n'));
    const lines = ['allow_anonymous false', `password_file ${at('passwords')}`, `acl_file ${at('acl')}`];
    broker = await Mosquitto.start(folder, lines);
    camera = await startColourCamera({ credentials: { username: 'viewer', password: SECRETS.camera } });
    updates = await serveFiles(new Map([['metadata/1.root.json', ROOT]]));
    await writeColourPackage(at('package'));
    await writeFile(at('mqtt.pw'), SECRETS.mqtt);
    await writeFile(at('camera.pw'), SECRETS.camera);
  });
  afterEach(async () => {
    await Promise.all([camera.close(), broker.stop(), updates.close()]);
    await rm(folder, { recursive: true });
  });

  const answers = () => ({
    site: 'test',
    box: 'one',
    broker: { url: broker.url, username: 'one', passwordFile: 'mqtt.pw' },
    model: { package: 'package' },
    cameras: [{ id: 'north', url: camera.url, username: 'viewer', passwordFile: 'camera.pw' }],
    secrets: 'files',
  });
  const init = async (given: object, ...more: string[]): Promise<Run> => {
    await writeFile(at('answers.yaml'), stringify(given));
    return await runWayside(['init', '--root', at('root'), '--answers', at('answers.yaml'), '--json', ...more]);
  };

  it('leads from answers to a detection, and shows what was found on the way', async () => {
    const run = await init(answers());
    expect(run).toMatchObject({ exit: 0 });
    const { found, probedAs, notes } = JSON.parse(run.stdout);
    expect(found.broker).toMatchObject({ protocol: '5.0', refusal: null, came: true });
    expect(found.cameras).toMatchObject([{ id: 'north', facts: { codec: 'h264', width: 320, height: 180 } }]);
    const user = process.getuid?.() === 0 ? ((await systemUser('wayside'))?.name ?? null) : null;
    expect(probedAs).toBe(user);
    const asRoot = process.getuid?.() === 0 && user === null;
    expect(notes.some((note: string) => note.includes('asked by root'))).toBe(asRoot);
    expect((await stat(etc('secrets', 'mqtt'))).mode & 0o777).toBe(0o600);
    for (const secret of Object.values(SECRETS)) expect(run.stdout + run.stderr).not.toContain(secret);

    const listener = await Listener.start(broker.url, { username: 'centre', password: 'centre' });
    const daemon = new DaemonProcess(etc('wayside.yaml'));
    try {
      const { message } = await listener.next('detections', () => true);
      expect(message.camera).toBe('north');
      const info = (await listener.next('info', ({ identity }) => identity !== null)).message;
      expect(info.identity?.thumbprint).toBe(JSON.parse(run.stdout).identity.thumbprint);
      for (const secret of Object.values(SECRETS)) expect(daemon.log).not.toContain(secret);
    } finally {
      await daemon.end();
      await listener.stop();
    }
  });

  it.each([
    {
      what: 'the broker refuses',
      change: () => ({ broker: { ...answers().broker, passwordFile: 'camera.pw' } }),
      code: 'BROKER_UNAVAILABLE',
      words: /user name or password|not authorized/,
    },
    {
      what: 'the broker lets another box write there only',
      change: () => ({ box: 'two' }),
      code: 'BROKER_REFUSED',
      words: /one may not write wayside\/v1\/test\/two/,
    },
    {
      what: 'the camera refuses',
      change: () => ({ cameras: [{ ...answers().cameras[0], passwordFile: 'mqtt.pw' }] }),
      code: 'CAMERA_REFUSED',
      words: /^camera north: .*credentials are wrong/,
    },
    {
      what: 'the repository begins with another root',
      change: () => ({ repository: { url: updates.url, fingerprint: 'ab'.repeat(32) } }),
      code: 'UPDATE_REFUSED',
      words: /expected sha256:abab/,
    },
  ])('writes nothing where $what', async ({ change, code, words }) => {
    const run = await init({ ...answers(), ...change() });
    expect(JSON.parse(run.stdout).error).toMatchObject({ code, message: expect.stringMatching(words) });
    expect(await readdir(etc()).catch(() => [])).toEqual([]);
    for (const secret of Object.values(SECRETS)) expect(run.stdout + run.stderr).not.toContain(secret);
  });

  it('takes the first root of the repository where its fingerprint is the one that was said', async () => {
    const fingerprint = createHash('sha256').update(ROOT).digest('hex');
    const run = await init({ ...answers(), repository: { url: updates.url, fingerprint } });
    expect(run).toMatchObject({ exit: 0 });
    expect(await readFile(etc('root.json'))).toEqual(ROOT);
    expect(updates.requests).toEqual(['metadata/1.root.json']);
    const checked = await runWayside(['agent', '--check', '--config', etc('agent.yaml')]);
    expect(checked).toMatchObject({ exit: 0 });
  });
});

const terminal = { name: 'script', met: program('script') !== undefined, hint: 'apt install bsdutils' };

describeWith({ needs: ['mosquitto', 'ffmpeg', terminal] }, 'wayside init on a terminal', () => {
  it('asks, shows no password, says at once what is wrong, and goes on', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wayside-asked-'));
    const broker = await Mosquitto.start(folder);
    const camera = await startColourCamera({ credentials: { username: 'viewer', password: SECRETS.camera } });
    const updates = await serveFiles(new Map([['metadata/1.root.json', ROOT]]));
    await writeColourPackage(join(folder, 'package'));
    const command = [process.execPath, join(PACKAGE_ROOT, 'bin', 'wayside.js'), 'init']
      .concat('--root', join(folder, 'root'), '--model-package', join(folder, 'package'), '--secrets', 'files')
      .map((word) => `'${word}'`);
    const typing = spawn('script', ['-qfec', command.join(' '), '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(typing, 'close');
    let seen = '';
    const answersTo: [question: RegExp, line: string][] = [
      [/Site[^\n]*: $/, 'ring'],
      [/Box[^\n]*: $/, 'km 12'],
      [/expected 1 to 64[\s\S]*Box[^\n]*: $/, 'km-12'],
      [/Broker[^\n]*: $/, 'mqtt://127.0.0.1:1'],
      [/User name at the broker[^\n]*: $/, '-'],
      [/ECONNREFUSED[\s\S]*Broker[^\n]*: $/, broker.url],
      [/User name at the broker[^\n]*: $/, '-'],
      [/came back[\s\S]*Looking for cameras[\s\S]*Name of the camera[^\n]*: $/, 'north'],
      [/Address[^\n]*: $/, camera.url],
      [/User name at the camera[^\n]*: $/, 'viewer'],
      [/Password of viewer[^\n]*: $/, 'wr0ng-word'],
      [/credentials are wrong[\s\S]*Try again[^\n]*: $/, 'y'],
      [/Address[^\n]*: $/, ''],
      [/User name at the camera[^\n]*: $/, ''],
      [/Password of viewer[^\n]*: $/, SECRETS.camera],
      [/320x180[\s\S]*Another camera[^\n]*: $/, ''],
      [/Fetch models[^\n]*: $/, 'y'],
      [/Its address[^\n]*: $/, updates.url],
      [/SHA-256[^\n]*: $/, 'ab'.repeat(32)],
      [/expected sha256:abab[\s\S]*Its address[^\n]*: $/, ''],
      [/SHA-256[^\n]*: $/, createHash('sha256').update(ROOT).digest('hex')],
      [/expires[\s\S]*update agent at the broker[^\n]*: $/, ''],
      [/Groups[^\n]*: $/, 'east, a b'],
      [/Tags[^\n]*: $/, ''],
      [/Maintenance window[^\n]*: $/, 'at night'],
      [/times in UTC[\s\S]*Maintenance window[^\n]*: $/, '23:00-4:30'],
    ];
    let from = 0;
    typing.stdout.setEncoding('utf8').on('data', (text: string) => {
      seen += text;
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the terminal's own words for colours and for the cursor
      const plain = seen.slice(from).replaceAll(/\x1b\[[0-9;?]*[A-Za-z]|\r/g, '');
      const [question, line] = answersTo[0] ?? [];
      if (question?.test(plain) !== true) return;
      answersTo.shift();
      from = seen.length;
      typing.stdin.write(`${line}\r`);
    });
    try {
      const [code] = await ended;
      expect(answersTo.map(([question]) => question)).toEqual([]);
      expect({ code, seen }).toMatchObject({ code: 0, seen: expect.stringContaining('ring/km-12: configured') });
      for (const secret of [SECRETS.camera, 'wr0ng-word']) expect(seen).not.toContain(secret);
      const agent = await readFile(join(folder, 'root', 'etc', 'wayside', 'agent.yaml'), 'utf8');
      expect(parse(agent)).toMatchObject({
        groups: ['east', 'a', 'b'],
        tags: [],
        windows: [{ from: '23:00', to: '04:30' }],
      });
      const secret = join(folder, 'root', 'etc', 'wayside', 'secrets', 'camera-north');
      expect(await readFile(secret, 'utf8')).toBe(SECRETS.camera);
    } finally {
      typing.kill('SIGKILL');
      await Promise.all([camera.close(), broker.stop(), updates.close()]);
      await rm(folder, { recursive: true });
    }
  });
});
