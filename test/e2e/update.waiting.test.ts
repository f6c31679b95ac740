import { randomUUID } from 'node:crypto';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { MessageOf } from '../../contract/messages/kinds.ts';
import type { ModelDesiredMessage } from '../../contract/messages/model-desired.ts';
import { createLog } from '../../core/log.ts';
import { writeBadModel } from '../../daemon/drill/bad-model.ts';
import { runAgent } from '../../deploy/agent/main.ts';
import { bundlePackage } from '../../deploy/bundle/write-bundle.ts';
import { type RepositoryServer, serveFolder } from '../../deploy/repository/serve.ts';
import { addTarget } from '../../deploy/repository/stage-targets.ts';
import { targetPathOf } from '../../deploy/target.ts';
import { COLOURS, type ColourPackageOptions, writeColourPackage } from '../support/colour-package.ts';
import { newOffice, type Office } from '../support/office.ts';
import { describeWith } from '../support/requirements.ts';
import { northCamera, Rig, tookLine } from '../support/rig.ts';
import { runWayside, startWayside } from '../support/wayside.ts';

/** Wide, for blocks of five frames: see trial.waiting.test.ts. */
const TRIAL = {
  limits: {
    ...{ shadowBlocks: 16, probationBlocks: 2, mostBlocks: 80 },
    classShift: { tolerated: 0.02, margin: 0.4 },
    disagreement: { tolerated: 0.1, margin: 0.4 },
    scoreDrift: { tolerated: 0.05, margin: 0.4 },
    failedFrames: { tolerated: 0.02, margin: 0.4 },
    slower: { tolerated: 5, margin: 200 },
  },
  blockFrames: { least: 5, most: 5 },
};

describeWith({ needs: ['ffmpeg', 'mosquitto'] }, 'from a published package to detections', () => {
  let rig: Rig;
  let office: Office;
  let server: RepositoryServer;
  let client: MqttClient;
  const agentEnd = new AbortController();
  let agentDone: Promise<void>;
  let job = 0;

  beforeAll(async () => {
    rig = await Rig.start({
      prepare: async (folder) => {
        await mkdir(join(folder, 'store'));
        office = await newOffice(folder);
        await office.publish([office.keys.first, office.keys.second]);
        await cp(join(office.folder, 'published', 'metadata', '1.root.json'), join(folder, 'root.json'));
        server = await serveFolder(join(office.folder, 'published'), { port: 0 });
      },
      config: ({ cameraUrl }) => ({
        model: { store: 'store', name: 'colours', hangSeconds: 5 },
        agent: { socket: 'agent.sock' },
        cameras: [northCamera(cameraUrl)],
      }),
    });
    const agent = {
      ...{
        site: 'test',
        box: 'one',
        model: 'colours',
        store: 'store',
        socket: 'agent.sock',
        reserveMb: 1,
        trial: TRIAL,
      },
      repository: { url: server.url, root: 'root.json' },
      mqtt: { url: rig.broker.url },
    };
    const path = join(rig.folder, 'agent.yaml');
    await writeFile(path, stringify(agent));
    const log = createLog('agent', { write: () => undefined });
    agentDone = runAgent(path, { signal: agentEnd.signal, log });
    client = await connectAsync(rig.broker.url);
  });
  afterAll(async () => {
    agentEnd.abort();
    await agentDone;
    await client.endAsync(true);
    await rig.stop();
    await server.close();
  });

  async function publishVersion(version: string, options: ColourPackageOptions = {}): Promise<void> {
    await publish(version, (await writeColourPackage(join(rig.folder, 'made', version), { ...options, version })).dir);
  }

  async function publish(version: string, dir: string): Promise<void> {
    const bundle = await bundlePackage(dir, {});
    const file = join(rig.folder, 'made.bundle');
    await writeFile(file, bundle.bytes);
    const custom = { name: 'colours', version, package: bundle.package, parent: bundle.parent };
    await addTarget(office.folder, { file, custom, path: targetPathOf(custom) });
    await office.publish([office.keys.first, office.keys.second]);
  }

  /** Publishes a version and tells the box to have it. */
  async function rollOut(version: string, options: ColourPackageOptions = {}): Promise<void> {
    await publishVersion(version, options);
    await desire(version);
  }

  async function desire(version: string): Promise<void> {
    const at = new Date().toISOString();
    const message: ModelDesiredMessage = {
      schema: 'wayside/v1/model-desired',
      ...{ id: randomUUID(), session: randomUUID(), seq: 0, capturedAt: at, publishedAt: at },
      ...{ clock: { synced: null, errorMs: null }, job: ++job, rollout: 'r', action: 'install' },
      model: { name: 'colours', version },
    };
    await client.publishAsync('wayside/v1/test/one/model/desired', JSON.stringify(message), { qos: 1, retain: true });
  }

  const detectionsSince = (at: number): MessageOf<'detections'>[] =>
    rig.listener.heard
      .filter((each) => each.kind === 'detections' && each.at >= at)
      .map(({ message }) => message as MessageOf<'detections'>);

  function expectUninterrupted(since: number, ...versions: readonly string[]): void {
    const detections = detectionsSince(since);
    const numbers = detections.map(({ seq }) => seq);
    expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
    const seen = detections.map(({ model }) => model.version);
    expect(seen.filter((version, at) => version !== seen[at - 1])).toEqual(versions);
    expect(rig.daemon.log).not.toContain('frames were taken and not analysed');
  }

  it('is refused at once, with the cause, where the box has no model of that name and the first one does not load', async () => {
    await rollOut('0-bad', { wrongGolden: true });
    const refused = await rig.listener.next('model-report', ({ state }) => state === 'rolled-back');
    expect(refused.message).toMatchObject({ job, running: null, reason: { code: 'TRIAL_FAILED_TO_LOAD' } });
    expect(refused.message.reason?.message).toContain('GOLDEN_MISMATCH');
  });

  it('is no trial there for the next one either: the first that loads runs', async () => {
    await rollOut('0');
    const promoted = await rig.listener.next('model-report', ({ state }) => state === 'promoted');
    expect(promoted.message).toMatchObject({ job, running: { version: '0' } });
    expect(promoted.message.served).toBeGreaterThan(0);
    await rig.working();
  });

  it('is a trial on live traffic, after which the box goes over without losing a frame', async () => {
    const before = performance.now();
    await rollOut('1');
    const fits = ({ job: number, state }: MessageOf<'model-report'>): boolean => number === job && state === 'promoted';
    const promoted = await rig.listener.next('model-report', fits);
    tookLine('published, tried on 90 frames and promoted', before, promoted.at);
    expect(promoted.message).toMatchObject({ job, running: { version: '1' } });
    expect(promoted.message.served).toBeGreaterThan(0);
    await rig.listener.next('info', ({ model }) => model?.version === '1', { after: before });
    expectUninterrupted(before, '0', '1');
  });

  it('is a rollback where the candidate names other classes, which nobody outside ever hears', async () => {
    const before = performance.now();
    await rollOut('2', { labels: [...COLOURS.slice(1), COLOURS[0]] });
    const fits = ({ job: number, state }: MessageOf<'model-report'>): boolean =>
      number === job && state === 'rolled-back';
    const { message, at } = await rig.listener.next('model-report', fits);
    expect(['TRIAL_CLASS_SHIFT', 'TRIAL_DISAGREES']).toContain(message.reason?.code);
    expect(message.running?.version).toBe('1');
    await rig.listener.next('detections', () => true, { after: at });
    expectUninterrupted(before, '1');
  });

  it('is refused where it was signed and answers wrongly, as the drill makes one: the box has to find out by itself', async () => {
    const [good, bad] = [join(rig.folder, 'made', '1'), join(rig.folder, 'made', 'bad')];
    const { version } = await writeBadModel(good, bad);
    const before = performance.now();
    await publish(version, bad);
    await desire(version);
    const { message, at } = await rig.listener.next(
      'model-report',
      ({ job: number, state }) => number === job && state === 'rolled-back',
      { after: before },
    );
    expect(message).toMatchObject({ reason: { code: 'TRIAL_FAILED_TO_LOAD' }, running: { version: '1' } });
    expect(message.reason?.message).toContain('GOLDEN_MISMATCH');
    await rig.listener.next('detections', () => true, { after: at });
    expectUninterrupted(before, '1');
  });

  it('is begun, and taken back, with the commands of the office', async () => {
    await publishVersion('3');
    const before = performance.now();
    const site = ['--broker', rig.broker.url, '--site', 'test', '--gather', '1s', '--json'];
    const started = startWayside(['rollout', 'start', 'colours@3', '--waves', 'all', '--min-served', '10', ...site]);
    const first = await rig.listener.next('detections', ({ model }) => model.version === '3');
    tookLine('from `rollout start` to detections of the new model', before, first.at);
    const { exit, stdout, stderr } = await started.done;
    expect({ exit, stderr }).toMatchObject({ exit: 0 });
    expect(JSON.parse(stdout)).toMatchObject({
      rollout: { state: 'completed', model: { name: 'colours', version: '3' } },
      waves: [{ name: 'all', boxes: 1, standing: { succeeded: 1 } }],
    });
    expectUninterrupted(before, '1', '3');

    const back = performance.now();
    const taken = await runWayside(['rollout', 'rollback', ...site]);
    expect(taken).toMatchObject({ exit: 0 });
    expect(JSON.parse(taken.stdout)).toMatchObject({ rollout: { state: 'rolled-back' } });
    await rig.listener.next('detections', ({ model }) => model.version === '1', { after: back });
    expectUninterrupted(back, '3', '1');
  });

  it('leaves the box as it was while its agent is gone', async () => {
    const before = performance.now();
    agentEnd.abort();
    await agentDone;
    await rig.listener.next('detections', () => true, { after: performance.now() });
    expectUninterrupted(before, '1');
    const states = rig.listener.heard.filter(({ kind, at }) => kind === 'state' && at > before);
    expect(states).toEqual([]);
  });
});
