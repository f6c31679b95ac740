import { randomUUID } from 'node:crypto';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ModelDesiredMessage } from '../../../contract/messages/model-desired.ts';
import { createLog } from '../../../core/log.ts';
import { runAgent } from '../../../deploy/agent/main.ts';
import { bundlePackage } from '../../../deploy/bundle/write-bundle.ts';
import { type RepositoryServer, serveFolder } from '../../../deploy/repository/serve.ts';
import { addTarget } from '../../../deploy/repository/stage-targets.ts';
import { targetPathOf } from '../../../deploy/target.ts';
import { COLOURS, writeColourPackage } from '../../support/colour-package.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { Listener } from '../../support/listener.ts';
import { Mosquitto } from '../../support/mosquitto.ts';
import { newOffice, type Office } from '../../support/office.ts';
import { describeWith } from '../../support/requirements.ts';
import { equalBlock, ScriptedDaemon, type Show } from '../../support/scripted-daemon.ts';
import { until } from '../../support/until.ts';

const inside = temporaryFolder();

/** Version 3 is slower than all others, version 4 never loads. */
const show: Show = (version, phase) => {
  const block = equalBlock(phase);
  if (version === '4') return undefined;
  return version === '3' ? { ...block, candidate: { ...block.candidate, latencyMs: 40 } } : block;
};

describeWith({ needs: ['mosquitto'] }, 'the agent of a box', () => {
  let folder: string;
  let office: Office;
  let server: RepositoryServer;
  let broker: Mosquitto;
  let listener: Listener;
  let client: MqttClient;
  let daemon: ScriptedDaemon | undefined;
  let agent: { readonly end: AbortController; readonly done: Promise<void> } | undefined;
  const lines: string[] = [];
  let number = 0;

  /** Publishes a version of the model, whole and as differences from another. */
  async function publish(version: string, parent?: string): Promise<void> {
    const dir = join(folder, 'packages', version);
    const made = await writeColourPackage(dir, { version, labels: [...COLOURS.slice(0, 2), `blue ${version}`] });
    for (const from of parent === undefined ? [undefined] : [undefined, join(folder, 'packages', parent)]) {
      const bundle = await bundlePackage(made.dir, from === undefined ? {} : { parent: from });
      const file = join(folder, 'made.bundle');
      await writeFile(file, bundle.bytes);
      const custom = { name: 'colours', version, package: bundle.package, parent: bundle.parent };
      await addTarget(office.folder, { file, custom, path: targetPathOf(custom) });
    }
    await office.publish([office.keys.first, office.keys.second]);
  }

  async function order(
    change: Partial<ModelDesiredMessage>,
    topic = 'wayside/v1/test/box/model/desired',
  ): Promise<void> {
    const at = new Date().toISOString();
    const message: ModelDesiredMessage = {
      schema: 'wayside/v1/model-desired',
      ...{ id: randomUUID(), session: randomUUID(), seq: 0, capturedAt: at, publishedAt: at },
      clock: { synced: null, errorMs: null },
      job: ++number,
      rollout: 'r1',
      action: 'install',
      model: { name: 'colours', version: '1' },
      ...change,
    };
    await client.publishAsync(topic, JSON.stringify(message), { qos: 1, retain: true });
  }

  function startAgent(spreadMs?: number): void {
    const end = new AbortController();
    const log = createLog('agent', { write: (line: string) => void lines.push(line) });
    agent = {
      end,
      done: runAgent(join(folder, 'agent.yaml'), {
        signal: end.signal,
        log,
        ...(spreadMs === undefined ? {} : { spreadMs }),
      }),
    };
  }

  async function stopAgent(): Promise<void> {
    agent?.end.abort();
    await agent?.done;
    agent = undefined;
  }

  const startDaemon = async (): Promise<void> => {
    daemon = await ScriptedDaemon.start(join(folder, 'agent.sock'), join(folder, 'store'), 'colours', show);
  };

  beforeEach(async () => {
    folder = join(inside(), randomUUID());
    await mkdir(folder, { recursive: true });
    office = await newOffice(folder);
    await office.publish([office.keys.first, office.keys.second]);
    server = await serveFolder(join(office.folder, 'published'), { port: 0 });
    broker = await Mosquitto.start(folder);
    listener = await Listener.start(broker.url);
    client = await connectAsync(broker.url);
    number = 0;
    lines.length = 0;
    await cp(join(office.folder, 'published', 'metadata', '1.root.json'), join(folder, 'root.json'));
    await writeColourPackage(join(folder, 'store', 'factory', 'colours'), { version: '0' });
    await writeFile(
      join(folder, 'agent.yaml'),
      [
        'site: test',
        'box: box',
        'groups: [north]',
        'tags: [small]',
        'model: colours',
        'store: store',
        'socket: agent.sock',
        'usb: stick',
        'reserveMb: 1',
        `repository: { url: "${server.url}", root: root.json }`,
        `mqtt: { url: "${broker.url}" }`,
        'trial: { limits: { shadowBlocks: 2, probationBlocks: 2 } }',
      ].join('\n'),
    );
    startAgent();
  });
  afterEach(async () => {
    daemon?.stop();
    daemon = undefined;
    await stopAgent();
    await client.endAsync(true);
    await listener.stop();
    await broker.stop();
    await server.close();
  });

  it('installs what a job names once it is signed, tried and serves; takes the next as differences; and goes back when told', async () => {
    await publish('1');
    await order({});
    const waits = await listener.next('model-report', ({ job, state }) => job === 1 && state === 'waiting');
    expect(waits.message.reason?.code).toBe('WAITING_FOR_DAEMON');
    await startDaemon();
    const first = await listener.next('model-report', ({ job, state }) => job === 1 && state === 'promoted');
    expect(first.message).toMatchObject({
      running: { version: '1' },
      groups: ['north'],
      hardware: { tags: ['small'] },
    });
    expect(first.message.served).toBeGreaterThan(0);
    expect(first.message.evidence.length).toBeGreaterThan(0);
    await publish('2', '1');
    await order({ model: { name: 'colours', version: '2' } }, 'wayside/v1/test/_group/north/model/desired');
    await listener.next('model-report', ({ job, state }) => job === 2 && state === 'promoted');
    await order({ action: 'roll-back', model: { name: 'colours', version: '2' } });
    const back = await listener.next(
      'model-report',
      ({ job, state, running }) => job === 3 && state === 'rolled-back' && running?.version === '1',
    );
    expect(back.message.served).toBeGreaterThan(0);
  });

  it('rolls back what is worse or does not load, remembers it, and refuses a job that was seen', async () => {
    await startDaemon();
    await publish('3');
    await order({ model: { name: 'colours', version: '3' } });
    const slower = await listener.next('model-report', ({ job, state }) => job === 1 && state === 'rolled-back');
    expect(slower.message.reason?.code).toBe('TRIAL_SLOWER');
    expect(slower.message.running?.version).toBe('0');
    await order({ model: { name: 'colours', version: '3' } });
    const known = await listener.next('model-report', ({ job, state }) => job === 2 && state === 'refused');
    expect(known.message.reason?.code).toBe('UPDATE_KNOWN_BAD');
    await publish('4');
    await order({ model: { name: 'colours', version: '4' } });
    const silent = await listener.next('model-report', ({ job, state }) => job === 3 && state === 'rolled-back');
    expect(silent.message.reason?.code).toBe('TRIAL_FAILED_TO_LOAD');
    await publish('1');
    await order({ job: 2 });
    await until('the replayed job to be refused', () => lines.some((line) => line.includes('JOB_REPLAYED')));
    await order({ job: 10 });
    await listener.next('model-report', ({ job, state }) => job === 10 && state === 'promoted');
    // Over a restart as well: the broker gives the retained job again.
    await stopAgent();
    const after = performance.now();
    startAgent();
    const again = await listener.next('model-report', ({ job }) => job === 10, { after });
    expect(again.message.state).toBe('promoted');
  });

  it('has the first model of a name load before it runs, and tries the next one as the first where it does not', async () => {
    await rm(join(folder, 'store', 'factory'), { recursive: true });
    await stopAgent();
    startAgent();
    await startDaemon();
    await publish('4');
    await order({ model: { name: 'colours', version: '4' } });
    const failed = await listener.next('model-report', ({ job, state }) => job === 1 && state === 'rolled-back');
    expect(failed.message).toMatchObject({ running: null, reason: { code: 'TRIAL_FAILED_TO_LOAD' } });
    expect(failed.message.reason?.message).toContain('GOLDEN_MISMATCH');
    await publish('1');
    await order({ model: { name: 'colours', version: '1' } });
    const first = await listener.next('model-report', ({ job, state }) => job === 2 && state === 'promoted');
    expect(first.message).toMatchObject({ running: { version: '1' } });
    const heard = daemon?.heard.flatMap((message) => ('reason' in message ? message.reason : message.type));
    // A block that was under way when the trial ended is answered so.
    expect(heard?.filter((what) => what !== 'not known')).toEqual([
      'try',
      expect.stringMatching(/^TRIAL_FAILED_TO_LOAD/),
      'try',
      'FIRST',
      'reload',
    ]);
  });

  it('tries by the limits of a job that are stricter than its own, and refuses a job whose limits are not', async () => {
    await startDaemon();
    await publish('1');
    await order({ limits: { memoryMb: 2000 } });
    const looser = await listener.next('model-report', ({ job, state }) => job === 1 && state === 'refused');
    expect(looser.message.reason).toMatchObject({
      code: 'JOB_INVALID',
      message: expect.stringContaining("memoryMb: 2000 is looser than this box's 1024"),
    });
    await order({ limits: { memoryMb: 99 } });
    const stricter = await listener.next('model-report', ({ job, state }) => job === 2 && state === 'rolled-back');
    expect(stricter.message.reason?.code).toBe('TRIAL_MEMORY');
    // What is taken back is not tried: limits have no say in it.
    await order({ action: 'roll-back', limits: { memoryMb: 2000 } });
    await listener.next('model-report', ({ job, state }) => job === 3 && state === 'rolled-back');
  });

  it('reads its configuration again in the middle of a trial, which goes on, and hears what it is to hear from then on', async () => {
    await publish('1');
    const shadowing = await ScriptedDaemon.start(
      join(folder, 'agent.sock'),
      join(folder, 'store'),
      'colours',
      (_, phase) => (phase === 'shadow' ? equalBlock(phase) : undefined),
    );
    await order({});
    await listener.next('model-report', ({ job, state }) => job === 1 && state === 'probation');
    const config = join(folder, 'agent.yaml');
    await writeFile(config, (await readFile(config, 'utf8')).replace('groups: [north]', 'groups: [south]'));
    process.emit('SIGHUP');
    const south = await listener.next('model-report', ({ groups }) => groups.includes('south'));
    expect(south.message).toMatchObject({ job: 1, state: 'probation' });
    expect(shadowing.heard.map(({ type }) => type)).toEqual(['try', 'take-over']);
    await order({ action: 'roll-back', job: 50 }, 'wayside/v1/test/_group/north/model/desired');
    await order({ action: 'roll-back', job: 60 }, 'wayside/v1/test/_group/south/model/desired');
    await listener.next('model-report', ({ job, state }) => job === 60 && state === 'rolled-back');
    expect(shadowing.heard.at(-1)?.type).toBe('end');
    await writeFile(config, 'site: [');
    process.emit('SIGHUP');
    await until('the bad edit to be refused', () => lines.some((line) => line.includes('CONFIG_INVALID')));
    shadowing.stop();
  });

  it('goes on with a trial that a restart of the agent or the daemon cut off', async () => {
    await publish('1');
    await order({});
    await listener.next('model-report', ({ state }) => state === 'waiting');
    const shadow = await ScriptedDaemon.start(
      join(folder, 'agent.sock'),
      join(folder, 'store'),
      'colours',
      (_, phase) => (phase === 'shadow' ? { ...equalBlock(phase), frames: 1, longestGapSeconds: 1 } : undefined),
    );
    await until('a trial', () => shadow.heard.some(({ type }) => type === 'try'));
    await stopAgent();
    startAgent();
    await startDaemon();
    await listener.next('model-report', ({ job, state }) => job === 1 && state === 'promoted');
  });

  it('takes a version from a stick, and says when the stick is gone half way', async () => {
    await publish('1');
    const stick = join(folder, 'stick');
    await cp(join(office.folder, 'published'), stick, { recursive: true });
    await rm(join(stick, 'targets'), { recursive: true });
    await stopAgent();
    startAgent();
    await startDaemon();
    const gone = await listener.next('model-report', ({ rollout, state }) => rollout === 'stick' && state === 'failed');
    expect(gone.message.reason?.code).toBe('DOWNLOAD_FAILED');
    await cp(join(office.folder, 'published', 'targets'), join(stick, 'targets'), { recursive: true });
    await publish('2');
    await rm(stick, { recursive: true });
    await cp(join(office.folder, 'published'), stick, { recursive: true });
    daemon?.stop();
    await stopAgent();
    startAgent();
    await startDaemon();
    const taken = await listener.next(
      'model-report',
      ({ rollout, state }) => rollout === 'stick' && state === 'promoted',
    );
    expect(taken.message.running?.version).toBe('2');
    expect((await readFile(join(folder, 'store', 'store.json'), 'utf8')).length).toBeGreaterThan(0);
  });

  it('follows its repository without a job, and not below what the signers allow', async () => {
    await stopAgent();
    const config = join(folder, 'agent.yaml');
    const text = (await readFile(config, 'utf8')).replace('root: root.json }', 'root: root.json, follow: true }');
    await writeFile(config, text);
    await publish('1');
    await publish('2', '1');
    startAgent(0);
    await startDaemon();
    const followed = await listener.next(
      'model-report',
      ({ rollout, state }) => rollout === 'follow' && state === 'promoted',
    );
    expect(followed.message).toMatchObject({ job: 0, running: { version: '2' } });
    const file = join(folder, 'made.bundle');
    await writeColourPackage(join(folder, 'packages', '4'), { version: '4' });
    await writeFile(file, (await bundlePackage(join(folder, 'packages', '4'))).bytes);
    await addTarget(office.folder, { file, custom: { name: 'colours', version: '5', minVersion: '2' } });
    await office.publish([office.keys.first, office.keys.second]);
    await order({ model: { name: 'colours', version: '5' } });
    // What is in the bundle is version 4: the name that it was signed under is not believed.
    const wrong = await listener.next(
      'model-report',
      ({ job, reason }) => job === 1 && reason?.code === 'PACKAGE_INVALID',
    );
    expect(wrong.message.running?.version).toBe('2');
    await order({ model: { name: 'colours', version: '1' } });
    const old = await listener.next('model-report', ({ job, state }) => job === 2 && state === 'refused');
    expect(old.message.reason?.code).toBe('UPDATE_BELOW_MINIMUM');
  });
});
