import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { MessageOf } from '../../contract/messages/kinds.ts';
import type { Slot } from '../../deploy/store/layout.ts';
import { trialLimits } from '../../deploy/trial/limits.ts';
import { BoxStore } from '../support/box-store.ts';
import { COLOURS, type ColourPackageOptions, writeColourPackage } from '../support/colour-package.ts';
import { describeWith } from '../support/requirements.ts';
import { northCamera, Rig, tookLine } from '../support/rig.ts';
import { TrialAgent } from '../support/trial-agent.ts';
import { until } from '../support/until.ts';

/**
 * Five frames a block: what one frame more or less changes is a fifth. Thirteen blocks are the fewest that can show a candidate to be
 * worse at the rates that hold. Times on a busy machine say little.
 */
const LIMITS = trialLimits.parse({
  ...{ shadowBlocks: 16, probationBlocks: 2, mostBlocks: 80 },
  classShift: { tolerated: 0.02, margin: 0.4 },
  disagreement: { tolerated: 0.1, margin: 0.4 },
  scoreDrift: { tolerated: 0.05, margin: 0.4 },
  failedFrames: { tolerated: 0.02, margin: 0.4 },
  slower: { tolerated: 5, margin: 200 },
});
const BLOCK = { least: 5, most: 5 };

describeWith({ needs: ['ffmpeg', 'mosquitto'] }, 'a candidate beside the running model', () => {
  let rig: Rig;
  let agent: TrialAgent;
  let store: BoxStore;
  beforeAll(async () => {
    rig = await Rig.start({
      prepare: async (folder) => {
        const write = (dir: string) => writeColourPackage(dir, { version: '1' });
        store = await BoxStore.create(join(folder, 'store'), 'colours', write);
        agent = await TrialAgent.listen(join(folder, 'agent.sock'));
      },
      config: ({ cameraUrl }) => ({
        model: { store: 'store', name: 'colours', hangSeconds: 5 },
        agent: { socket: 'agent.sock' },
        cameras: [northCamera(cameraUrl)],
      }),
    });
    await rig.working();
  });
  afterAll(async () => {
    await rig.stop();
    await agent.close();
  });

  type Detections = MessageOf<'detections'>;
  const detectionsSince = (at: number): Detections[] =>
    rig.listener.heard
      .filter((each) => each.kind === 'detections' && each.at >= at)
      .map(({ message }) => message as Detections);
  const versionsOf = (detections: readonly Detections[]): string[] =>
    detections.map(({ model }) => model.version).filter((version, i, all) => version !== all[i - 1]);

  /** Nothing between two detections was lost on the way, and no frame was taken that was not answered. */
  function expectUninterrupted(since: number): void {
    const numbers = detectionsSince(since).map(({ seq }) => seq);
    expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
    expect(rig.daemon.log).not.toContain('frames were taken and not analysed');
  }

  interface Counts {
    readonly received: number;
    readonly dropped: number;
  }
  async function counts(after: number): Promise<Counts> {
    const { message } = await rig.listener.next('camera-status', () => true, { after });
    return { received: message.received, dropped: message.dropped };
  }
  const leftOut = (from: Counts, to: Counts): number => (to.dropped - from.dropped) / (to.received - from.received);

  async function begin(trial: string, options: ColourPackageOptions): Promise<{ slot: Slot; dir: string }> {
    const { slot, dir, model } = await store.install((folder) => writeColourPackage(folder, options));
    await store.store.beginTrial(slot);
    const { name, version } = model.manifest;
    agent.send({
      ...{ v: 1, type: 'try', trial, package: dir, blockFrames: BLOCK },
      model: { name, version, digest: model.digest },
    });
    return { slot, dir };
  }

  it('is promoted where it answers alike: detections go over once, without a gap, and no more frames are left out', async () => {
    expect(await agent.next('hello')).toMatchObject({ packageFormats: [1, 2] });
    expect(await agent.next('served')).toMatchObject({ model: { version: '1' }, frames: 1 });
    const alone = await counts(performance.now());
    const frames = detectionsSince(0).length + 50;
    await until('some frames without a candidate', () => detectionsSince(0).length >= frames);
    const before = performance.now();
    const first = await counts(before);
    const { slot } = await begin('equal', { version: '2' });
    expect(await agent.next('candidate', ({ trial }) => trial === 'equal')).toMatchObject({
      event: 'ready',
      labels: 3,
    });
    const verdict = await agent.decide('equal', LIMITS);
    expect(verdict).toMatchObject({ step: 'promote', reason: 'TRIAL_PROMOTED' });
    await store.store.promote(slot);
    agent.send({ v: 1, type: 'end', trial: 'equal', reason: 'TRIAL_PROMOTED' });
    await until('the old process to be gone', () => rig.daemon.inferencePids().length === 1);
    const after = performance.now();
    const last = await counts(after);
    tookLine('trial of 10 frames a second, from the candidate to its promotion', before, after);
    expect(versionsOf(detectionsSince(before))).toEqual(['1', '2']);
    expectUninterrupted(before);
    // A busy machine leaves out some without any candidate.
    expect(leftOut(first, last)).toBeLessThan(leftOut(alone, first) + 0.02);
    expect(await agent.next('served', ({ model }) => model.version === '2')).toMatchObject({ frames: 1 });
  });

  it('is rolled back where it names other classes, having answered nothing', async () => {
    const before = performance.now();
    const { slot, dir } = await begin('worse', { version: '3', labels: [...COLOURS.slice(1), COLOURS[0]] });
    const verdict = await agent.decide('worse', LIMITS);
    expect(verdict.step).toBe('roll-back');
    expect(['TRIAL_CLASS_SHIFT', 'TRIAL_DISAGREES']).toContain(verdict.reason);
    await store.store.reject(slot, verdict.reason ?? '');
    agent.send({ v: 1, type: 'end', trial: 'worse', reason: verdict.reason ?? '' });
    await until('the candidate to be gone', () => rig.daemon.inferencePids(dir).length === 0);
    expect(versionsOf(detectionsSince(before))).toEqual(['2']);
    expectUninterrupted(before);
  });

  it('may crash or hang: the running model answers on, the candidate is started again, and what it missed is counted', async () => {
    const before = performance.now();
    const { dir } = await begin('crashing', { version: '4' });
    const block = (index: number) =>
      agent.next('block', (message) => message.trial === 'crashing' && message.index >= index);
    await block(9); // 50 frames
    const kill = async (): Promise<void> =>
      void process.kill(await until('the candidate', () => rig.daemon.inferencePids(dir)[0]), 'SIGKILL');
    await kill();
    const fell = await agent.next(
      'block',
      ({ trial, block: { candidate } }) => trial === 'crashing' && candidate.restarts > 0,
    );
    expect(fell.block).toMatchObject({ phase: 'shadow', old: { restarts: 0, failed: 0 }, candidate: { restarts: 1 } });
    expect(versionsOf(detectionsSince(before))).toEqual(['2']);

    // One that does not answer delays nothing: frames go by, and are counted as what it missed.
    const shadow = await until('the candidate', () => rig.daemon.inferencePids(dir)[0]);
    const said = agent.heard.length;
    const froze = performance.now();
    process.kill(shadow, 'SIGSTOP');
    await until('ten more detections', () => detectionsSince(froze).length >= 10);
    process.kill(shadow, 'SIGCONT');
    const late = await agent.next('block', ({ block: { missed = 0 } }) => missed > 0, said);
    expect(late.block).toMatchObject({ old: { failed: 0 }, candidate: { failed: 0, restarts: 0 }, frames: 5 });

    agent.send({ v: 1, type: 'take-over', trial: 'crashing' });
    await agent.next('candidate', ({ trial, event }) => trial === 'crashing' && event === 'answers');
    const { at } = await rig.listener.next('detections', ({ model }) => model.version === '4', { after: before });
    const killed = performance.now();
    await kill();
    const back = await rig.listener.next('detections', ({ model }) => model.version === '2', { after: at });
    tookLine('candidate killed while it answered: the running model answers after', killed, back.at);
    await rig.listener.next('detections', ({ model }) => model.version === '4', { after: back.at });
    expectUninterrupted(before);
    const states = rig.listener.heard.filter(({ kind, at: when }) => kind === 'state' && when > before);
    expect(states).toEqual([]);
  });

  it('ends with the agent that brought it: the running model answers, and the next agent is told which', async () => {
    const [before, said] = [performance.now(), agent.heard.length];
    agent.hangUp();
    await rig.listener.next('detections', ({ model }) => model.version === '2', { after: before });
    await until('the candidate to be gone', () => rig.daemon.inferencePids().length === 1);
    await agent.next('hello', ({ model }) => model?.version === '2', said);
    await store.store.stopTrial('B', 'the agent died');
    expectUninterrupted(before);
  });

  it('is no folder outside the store, and no other package than was named', async () => {
    const digest = `sha256:${'0'.repeat(64)}` as const;
    const order = { v: 1, type: 'try', blockFrames: BLOCK, model: { name: 'colours', version: '9', digest } } as const;
    agent.send({ ...order, trial: 'another', package: store.store.layout.package('B') });
    const failed = await agent.next('candidate', ({ trial }) => trial === 'another');
    expect(failed).toMatchObject({ event: 'failed', code: 'PACKAGE_INVALID' });
    // Nothing that could be held against a candidate: the agent finds its trial cut off.
    for (const wrong of [
      '{"v":1,"type":"reboot"}\n',
      JSON.stringify({ ...order, trial: 'o', package: rig.folder }),
      'x'.repeat(200_000),
    ]) {
      const said = agent.heard.length;
      agent.sendText(`${wrong}\n`);
      await agent.next('hello', () => true, said);
      expect(agent.heard.slice(said).filter(({ type }) => type === 'candidate')).toEqual([]);
    }
    expect(rig.daemon.inferencePids()).toHaveLength(1);
  });

  it('is not needed: where the slot that runs is damaged, the next good package is run until it is whole', async () => {
    const dir = store.store.layout.package('A');
    await cp(dir, join(rig.folder, 'whole'), { recursive: true });
    await store.damage(dir);
    const killed = performance.now();
    process.kill(await until('the process', () => rig.daemon.inferencePids(dir)[0]), 'SIGKILL');
    const fallback = await rig.listener.next('detections', ({ model }) => model.version === '1', { after: killed });
    tookLine('slot damaged and its process killed: detections of the factory package after', killed, fallback.at);
    await rig.listener.next(
      'state',
      ({ state, reasons }) => state === 'degraded' && reasons.every(({ code }) => code === 'model-fallback'),
      { after: killed },
    );
    await rm(dir, { recursive: true });
    await cp(join(rig.folder, 'whole'), dir, { recursive: true });
    agent.send({ v: 1, type: 'reload' });
    await rig.listener.next('detections', ({ model }) => model.version === '2', { after: fallback.at });
    await rig.listener.next('state', ({ state }) => state === 'online', { after: fallback.at });
  });
});
