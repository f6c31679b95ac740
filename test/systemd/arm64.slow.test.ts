import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { boxDeb } from '../../scripts/package/build.ts';
import { debOf } from '../../scripts/package/deb.ts';
import type { Architecture } from '../../scripts/package/platform.ts';
import { arm64Root, registerArm64 } from '../support/arm64.ts';
import { describeWith } from '../support/requirements.ts';
import { ServiceManager } from '../support/service-manager.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);
const needs = [
  { name: 'to be asked', met: process.env['WAYSIDE_ARM64'] === '1', hint: 'npm run test:arm64, some minutes' },
  { name: 'root', met: process.getuid?.() === 0, hint: 'a root of its own, and binfmt_misc' },
  { name: 'a processor that is not arm64', met: process.arch !== 'arm64', hint: 'there the package runs by itself' },
  'qemu-aarch64-static',
  'aarch64-linux-gnu-strip',
  'apt-get',
  'dpkg-deb',
  'xz',
];
const NODE = '/usr/lib/wayside/bin/node';
/** One that finds objects, and one that classifies. */
const MODELS = ['street-grid', 'street'].map((name) => `/usr/share/wayside/factory/${name}`);
/** An emulated start takes some hundred times as long. */
const EMULATED_MS = 280_000;

/** Prints what models compute of their golden samples, bit by bit. */
const PROBE = `
const [home, ...models] = process.argv.slice(2);
const load = (name) => import(home + '/dist/inference/' + name + '.js');
const { readPackage } = await load('read-package');
const { openSession, floatsOf, floatTensor } = await load('session');
const { createPreprocessor, inputLength } = await load('preprocess');
const { WHOLE_FRAME } = await load('image');
const scores = [];
for (const model of models) {
  const { manifest, modelPath, golden } = await readPackage(model);
  const session = await openSession(modelPath, { threads: 1 });
  const preprocess = createPreprocessor(manifest.preprocessing);
  for (const { image } of golden) {
    const input = new Float32Array(inputLength(manifest.preprocessing));
    preprocess(image, WHOLE_FRAME, input, 0);
    const [height, width] = manifest.preprocessing.size;
    const results = await session.run({ [session.input.name]: floatTensor(input, [1, 3, height, width]) });
    const output = floatsOf(results, session.output.name);
    scores.push(Buffer.from(output.buffer, output.byteOffset, output.byteLength).toString('hex'));
  }
}
process.stdout.write(JSON.stringify({ arch: process.arch, scores }));
`;

interface Probed {
  readonly arch: string;
  readonly scores: readonly string[];
}

describeWith({ needs }, 'the package for arm64, emulated', () => {
  let folder: string;
  let root: string;
  let takeBack: (() => Promise<void>) | undefined;
  let daemon: ChildProcess | undefined;

  async function packed(architecture: Architecture): Promise<string> {
    const file = join(folder, `${architecture}.deb`);
    await writeFile(file, await debOf({ ...boxDeb(architecture, 1_700_000_000), level: 0 }));
    return file;
  }
  const inside = async (...command: readonly string[]): Promise<string> =>
    (await run('chroot', [root, ...command], { maxBuffer: 2 ** 24 })).stdout;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wayside-arm64-'));
    takeBack = await registerArm64();
    root = await arm64Root(join(folder, 'arm64'), await packed('arm64'));
    await run('mount', ['-t', 'proc', 'proc', join(root, 'proc')]);
    await run('mount', ['--bind', '/dev', join(root, 'dev')]);
  });
  afterAll(async () => {
    daemon?.kill('SIGKILL');
    for (const each of ['proc', 'dev']) await run('umount', ['--lazy', join(root, each)]).catch(() => undefined);
    await takeBack?.();
    await rm(folder, { recursive: true, force: true });
  });

  it('brings a Node of its own that runs its commands', async () => {
    expect((await inside(NODE, '--print', 'process.arch')).trim()).toBe('arm64');
    expect(await inside('/usr/bin/wayside', '--version')).toMatch(/^\d+\.\d+\.\d+/);
    expect(await inside('/usr/bin/wayside', 'daemon', '--help')).toContain('--config');
  });

  it('computes what the package for amd64 computes, bit by bit', async () => {
    const other = join(folder, 'amd64');
    await run('dpkg-deb', ['--extract', await packed('amd64'), other]);
    await writeFile(join(root, 'probe.mjs'), PROBE);
    const arm = JSON.parse(await inside(NODE, '/probe.mjs', '/usr/lib/wayside', ...MODELS)) as Probed;
    const args = [
      join(root, 'probe.mjs'),
      join(other, 'usr/lib/wayside'),
      ...MODELS.map((model) => join(other, model)),
    ];
    const { stdout } = await run(join(other, NODE), args);
    const amd = JSON.parse(stdout) as Probed;
    expect([arm.arch, amd.arch]).toEqual(['arm64', 'x64']);
    expect(amd.scores.length).toBeGreaterThan(MODELS.length);
    expect(arm.scores).toEqual(amd.scores);
  });

  it('has a daemon that reports ready, with its model proven on that processor', async () => {
    const state = join(root, 'box');
    await mkdir(state);
    const config = {
      site: 'test',
      box: 'box',
      mqtt: { url: 'mqtt://127.0.0.1:1' },
      model: { package: MODELS[0], hangSeconds: 600 },
      cameras: [
        { id: 'north', url: 'rtsp://127.0.0.1:1/', decoder: { command: ['/usr/bin/dash', '-c', 'read forever'] } },
      ],
    };
    await writeFile(join(state, 'wayside.yaml'), JSON.stringify(config));
    const manager = new ServiceManager(join(state, 'notify'));
    const environment = {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      NOTIFY_SOCKET: '/box/notify',
      RUNTIME_DIRECTORY: '/box',
    };
    const args = [root, '/usr/bin/wayside', 'daemon', '--config', '/box/wayside.yaml'];
    daemon = spawn('chroot', args, { env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
    let log = '';
    daemon.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    const failed = (): boolean => daemon?.exitCode !== null || log.includes('"level":"fatal"');
    const said = (text: RegExp): boolean => {
      if (failed()) throw new Error(log);
      return manager.read().some((line) => text.test(line));
    };
    await until('the daemon to be ready', () => said(/^READY=1$/), EMULATED_MS);
    await until('the model to be ready', () => said(/^STATUS=.*, street-grid /), EMULATED_MS);
    daemon.kill('SIGTERM');
    await once(daemon, 'exit');
    expect(daemon.exitCode).toBe(0);
    manager.close();
  });
});
