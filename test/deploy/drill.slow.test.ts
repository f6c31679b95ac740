import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { unpackBundle } from '../../deploy/bundle/read-bundle.ts';
import { writeColourPackage } from '../support/colour-package.ts';
import { temporaryFolder } from '../support/folder.ts';
import { shellSteps } from '../support/guide-blocks.ts';
import { Listener } from '../support/listener.ts';
import { freePort } from '../support/mosquitto.ts';
import { describeWith } from '../support/requirements.ts';
import { Shell } from '../support/shell.ts';
import { type Box, newBox } from '../support/tuf-box.ts';
import { until } from '../support/until.ts';

const PAGE = 'docs/guide/updates.md';
const steps = shellSteps(PAGE, 'The drill');

/** Ends what hangs: a busy machine starts a daemon in half a minute. */
const SLOW_MS = 120_000;

/** Every heading of the drill that has commands: a step that is added to the page has to be judged here too. */
const JUDGED = [
  'Make the keys',
  'Begin the repository',
  'Set up a box',
  'Publish a model',
  'Roll it out',
  'Publish the next one',
  'Roll it back',
  'Keep it fresh',
  'Withdraw a model',
  'A key is stolen',
  'The online key is stolen',
  'A key is lost',
  'A box was off for two years',
  'All root keys are lost',
];

describeWith({ needs: ['openssl', 'mosquitto', 'ffmpeg'] }, 'the drill of the guide, word for word', () => {
  const folder = temporaryFolder();
  let drill: string;
  let shell: Shell;
  let port: number;
  let mqttPort: number;
  let listener: Listener;
  let ca: string;
  let box: Box;
  /** Saw the first publication, and nothing after it. */
  let offForLong: Box;

  const commandsOf = (heading: string): readonly string[] =>
    steps.filter((step) => step.heading === heading).map(({ commands }) => commands);
  async function follow(heading: string): Promise<void> {
    for (const block of commandsOf(heading)) await shell.run(block);
  }
  const sees = (version: string, after = 0) =>
    listener.next('detections', ({ model }) => model.version === version, { after, within: SLOW_MS });
  const options = () => ({ limits: { ca } });
  const anotherBox = async (): Promise<Box> =>
    newBox(folder(), await readFile(join(drill, 'root.json')), `https://127.0.0.1:${port}/`);
  /** Fetches a version and unpacks it; the version that came out. */
  async function installed(by: Box, version: string): Promise<string> {
    await by.fetch(`vehicles/${version}.bundle`, options());
    const bundle = join(by.folder, '..', 'target');
    const { manifest } = await unpackBundle(bundle, join(by.folder, '..', 'package'), { replace: true });
    return manifest.version;
  }

  beforeAll(async () => {
    drill = join(folder(), 'drill');
    port = await freePort();
    mqttPort = await freePort();
    const ports = { PORT: String(port), MQTT_PORT: String(mqttPort), CAMERA_PORT: String(await freePort()) };
    for (const version of ['0', '1', '2'])
      await writeColourPackage(join(drill, `vehicles-${version}`), { name: 'vehicles', version });
    shell = await Shell.start(drill, join(folder(), 'bin'), ports);
  });
  afterAll(async () => {
    await listener?.stop();
    await shell?.stop();
  });

  it('has a judgement for every step', () => {
    expect([...new Set(steps.map(({ heading }) => heading))]).toEqual(JUDGED);
  });

  it('keys and a repository: a box with the first root finds it up to date', async () => {
    await follow('Make the keys');
    await follow('Begin the repository');
    ca = await until('the certificate', () => readFile(join(drill, 'office.crt'), 'utf8').catch(() => undefined));
    box = await anotherBox();
    await until('the repository', () => box.refresh(options()).catch(() => undefined));
    expect(await box.refresh(options())).toEqual({ root: 1, timestamp: 1, snapshot: 1, targets: 1 });
    await expect(installed(box, '1')).rejects.toMatchObject({ code: 'TARGET_UNKNOWN' });
  });

  it('a box sees with the model that it comes with', async () => {
    await follow('Set up a box');
    listener = await until('the broker', () => Listener.start(`mqtt://127.0.0.1:${mqttPort}`).catch(() => undefined));
    await sees('0');
    await listener.next('model-report', ({ state }) => state === 'idle', { within: SLOW_MS });
  });

  it('publish: a box can fetch what was published, signed by the maker', async () => {
    await follow('Publish a model');
    expect(await installed(box, '1')).toBe('1');
    expect(await shell.run(`wayside verify ${join(box.folder, '..', 'package')} --key maker.pub`)).toContain(
      'signed by',
    );
    offForLong = await anotherBox();
    await offForLong.refresh(options());
  });

  it('roll out: the box sees with the model that was published', async () => {
    await follow('Roll it out');
    await sees('1');
  });

  it('the next one too', async () => {
    await follow('Publish the next one');
    expect(await installed(box, '2')).toBe('2');
    await sees('2');
  });

  it('back: to the model before, and over all of it no detection is missing', async () => {
    const [back = '', stop = ''] = commandsOf('Roll it back');
    await shell.run(back);
    await sees('1', performance.now());
    await shell.run(stop);
    const seqs = listener.heard.flatMap(({ kind, message }) => (kind === 'detections' ? message.seq : []));
    expect(seqs.filter((seq, i) => i > 0 && seq !== (seqs[i - 1] ?? 0) + 1)).toEqual([]);
  });

  it('fresh: the timestamp alone is new', async () => {
    const before = await box.refresh(options());
    await follow('Keep it fresh');
    expect(await box.refresh(options())).toEqual({ ...before, timestamp: (before['timestamp'] ?? 0) + 1 });
  });

  it('withdraw: no other box takes it', async () => {
    await follow('Withdraw a model');
    await expect(installed(await anotherBox(), '2')).rejects.toMatchObject({ code: 'TARGET_UNKNOWN' });
    expect(await installed(box, '1')).toBe('1');
  });

  it('stolen, the online key too, and one lost: boxes follow, and the keys that went count no more', async () => {
    const next = async (heading: string): Promise<void> => {
      const { root = 0 } = await box.refresh(options());
      await follow(heading);
      expect(await box.refresh(options())).toMatchObject({ root: root + 1 });
    };
    await next('A key is stolen');
    await next('The online key is stolen');
    await next('A key is lost');
    await shell.run('wayside repo add office vehicles-2.bundle --model vehicles@2');
    for (const gone of ['second', 'third']) {
      expect(await shell.run(`wayside repo sign office --key ${gone}.key --passphrase-file ${gone}.pass`)).toContain(
        'nothing to sign',
      );
    }
    await shell.run('rm -r office/staged');
    expect(await installed(box, '1')).toBe('1');
  });

  it('off for two years: walks up every root, its clock in 1970', async () => {
    await follow('A box was off for two years');
    expect(await offForLong.refresh({ ...options(), now: () => 0 })).toEqual(await box.refresh(options()));
    expect(await installed(offForLong, '1')).toBe('1');
  });

  it('all root keys lost: a box takes the new root by hand, and nothing before', async () => {
    await follow('All root keys are lost');
    // "Serve office2/published at the old address."
    await shell.run('mv office office-lost && mv office2 office');
    await expect(offForLong.refresh(options())).rejects.toMatchObject({ code: 'UPDATE_REFUSED' });
    await writeFile(join(box.folder, '..', 'root.json'), await readFile(join(drill, 'root.json')));
    expect(await box.refresh(options())).toMatchObject({ root: 100 });
    expect(await installed(box, '1')).toBe('1');
  });
});
