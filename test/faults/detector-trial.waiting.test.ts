import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { MessageOf } from '../../contract/messages/kinds.ts';
import type { RtspServer } from '../../demo/rtsp/server.ts';
import type { Slot } from '../../deploy/store/layout.ts';
import { trialLimits } from '../../deploy/trial/limits.ts';
import type { ModelPackage } from '../../inference/read-package.ts';
import { BoxStore } from '../support/box-store.ts';
import { writeColourPackage } from '../support/colour-package.ts';
import { describeWith } from '../support/requirements.ts';
import { Rig } from '../support/rig.ts';
import { writeSpotPackage } from '../support/spot-detector.ts';
import { GATE, startSpotCamera } from '../support/spot-street.ts';
import { TrialAgent } from '../support/trial-agent.ts';
import { until } from '../support/until.ts';

/** A block is a second, in which three spots are seen and 1.5 cross the line: what one box, or one spot, more or less changes is much. */
const BLOCK = { least: 10, most: 10 };
const LIMITS = trialLimits.parse({
  ...{ shadowBlocks: 16, probationBlocks: 2, mostBlocks: 80 },
  classShift: { tolerated: 0.05, margin: 0.4 },
  disagreement: { tolerated: 0.1, margin: 0.4 },
  scoreDrift: { tolerated: 0.05, margin: 0.4 },
  failedFrames: { tolerated: 0.02, margin: 0.4 },
  lineCounts: { tolerated: 0.1, margin: 1.2 },
  slower: { tolerated: 5, margin: 200 },
});
const INTERVAL = 30;

describeWith({ needs: ['ffmpeg', 'mosquitto'] }, 'a detector beside the running one', () => {
  let rig: Rig;
  let camera: RtspServer;
  let agent: TrialAgent;
  let store: BoxStore;
  /** When the first frame was analysed, ms since the epoch. */
  let since: number;
  beforeAll(async () => {
    camera = await startSpotCamera({ columns: [16, 64, 96], seconds: 2 });
    rig = await Rig.start({
      prepare: async (folder) => {
        store = await BoxStore.create(join(folder, 'store'), 'spots', (dir) => writeSpotPackage(dir));
        agent = await TrialAgent.listen(join(folder, 'agent.sock'));
      },
      config: () => ({
        model: { store: 'store', name: 'spots', hangSeconds: 5 },
        agent: { socket: 'agent.sock' },
        cameras: [{ id: 'north', url: camera.url, rate: 10, lines: [GATE] }],
        counting: { intervals: [INTERVAL] },
        journal: { folder: 'journal' },
      }),
    });
    await agent.next('hello');
    await rig.listener.next('detections', ({ objects = [] }) => objects.length > 0);
    since = Date.now();
  });
  afterAll(async () => {
    await rig.stop();
    await agent.close();
    await camera.close();
  });

  async function begin(
    trial: string,
    write: (dir: string) => Promise<ModelPackage>,
  ): Promise<{ slot: Slot; dir: string }> {
    const { slot, dir, model } = await store.install(write);
    await store.store.beginTrial(slot);
    const { name, version } = model.manifest;
    agent.send({
      ...{ v: 1, type: 'try', trial, package: dir, blockFrames: BLOCK },
      model: { name, version, digest: model.digest },
    });
    return { slot, dir };
  }

  async function reject(trial: string, slot: Slot, reason: string): Promise<void> {
    await store.store.reject(slot, reason);
    agent.send({ v: 1, type: 'end', trial, reason });
    await until('the candidate to be gone', () => rig.daemon.inferencePids().length === 1);
  }

  const heard = <K extends 'event' | 'counts'>(kind: K): MessageOf<K>[] =>
    rig.listener.heard.filter((each) => each.kind === kind).map(({ message }) => message as MessageOf<K>);

  it('is refused, with the reason, where it is no detector: nothing compares the two', async () => {
    const { slot } = await begin('other task', (dir) => writeColourPackage(dir, { name: 'spots', version: '0' }));
    const refused = await agent.next('candidate', ({ trial }) => trial === 'other task');
    expect(refused).toMatchObject({ event: 'failed', code: 'MODEL_UNSUPPORTED' });
    expect(refused.message).toMatch(/task classification, the model that runs the task detector/);
    await reject('other task', slot, 'TRIAL_REFUSED');
  });

  it('is rolled back where it misses half of the boxes, with what showed it, having answered nothing', async () => {
    const { slot } = await begin('blind', (dir) => writeSpotPackage(dir, undefined, { version: '2', blindRows: 4 }));
    expect(await agent.next('candidate', ({ trial }) => trial === 'blind')).toMatchObject({
      ...{ event: 'ready', task: 'detector', lines: 1 },
    });
    const verdict = await agent.decide('blind', LIMITS);
    expect(verdict.step).toBe('roll-back');
    expect(['TRIAL_DISAGREES', 'TRIAL_CLASS_SHIFT']).toContain(verdict.reason);
    const [evidence] = verdict.evidence;
    expect(evidence?.blocks).toBeGreaterThanOrEqual(12);
    expect(Math.abs(evidence?.mean ?? 0)).toBeGreaterThan(0.3);
    const blocks = agent.heard.flatMap((each) => (each.type === 'block' && each.trial === 'blind' ? [each.block] : []));
    const sum = (of: (block: (typeof blocks)[number]) => number | undefined): number =>
      blocks.reduce((total, block) => total + (of(block) ?? Number.NaN), 0);
    const [old, candidate] = [sum(({ boxes }) => boxes?.old), sum(({ boxes }) => boxes?.candidate)];
    expect(candidate / old).toBeGreaterThan(0.35);
    expect(candidate / old).toBeLessThan(0.65);
    expect(sum(({ boxes }) => boxes?.matched)).toBeGreaterThan(0.9 * candidate);
    const crossed = (model: 'old' | 'candidate'): number => sum(({ lines }) => lines?.['north/gate']?.[model]);
    expect(crossed('old')).toBeGreaterThan(blocks.length);
    expect(crossed('candidate')).toBeLessThan(crossed('old'));
    await reject('blind', slot, verdict.reason ?? '');
  });

  it('is promoted where it sees the same', async () => {
    const { slot } = await begin('equal', (dir) => writeSpotPackage(dir, undefined, { version: '3' }));
    const verdict = await agent.decide('equal', LIMITS);
    expect(verdict).toMatchObject({ step: 'promote', reason: 'TRIAL_PROMOTED' });
    expect(verdict.evidence.map(({ measure }) => measure)).toEqual(
      expect.arrayContaining(['disagreement', 'counts of all lines', 'counts of north/gate']),
    );
    await store.store.promote(slot);
    agent.send({ v: 1, type: 'end', trial: 'equal', reason: 'TRIAL_PROMOTED' });
    await until('the old process to be gone', () => rig.daemon.inferencePids().length === 1);
  });

  it('swaps in the middle of an interval, which names both digests, counts nothing twice and misses nothing', async () => {
    const { message: answered } = await rig.listener.next('detections', ({ model }) => model.version === '3');
    const swapped = Date.parse(answered.capturedAt);
    const { message: counts } = await rig.listener.next(
      'counts',
      ({ interval }) => Date.parse(interval.from) <= swapped && swapped < Date.parse(interval.to),
    );
    const digests = new Set(counts.models.map(({ digest }) => digest));
    expect(counts.models.map(({ version }) => version).toSorted()).toEqual(['1', '3']);
    expect(digests.size).toBe(2);
    const { from, to } = counts.interval;
    const crossed = heard('event').filter(({ event, at }) => event === 'crossing' && at >= from && at < to);
    expect(new Set(crossed.map(({ object }) => object)).size).toBe(crossed.length);
    expect(counts.flows).toMatchObject([{ direction: 'forward', count: crossed.length }, { count: 0 }]);
    // Three spots in two seconds, and coverage may have begun within the interval.
    const spots = 1.5 * INTERVAL * counts.coverage;
    expect(Math.abs(crossed.length - spots)).toBeLessThanOrEqual(2);
  });

  it('costs no coverage: of intervals that were wholly in the time of trials at least 99% was seen', async () => {
    await rig.listener.next('counts', ({ interval }) => Date.parse(interval.from) >= since);
    const whole = heard('counts').filter(({ interval }) => Date.parse(interval.from) >= since);
    const seen = whole.map(({ coverage }) => coverage);
    process.stdout.write(`    coverage of intervals with trials of a second detector: ${seen.join(', ')}\n`);
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(0.99);
  });
});
