import { connectAsync } from 'mqtt';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { Fate } from '../../../bench/harness/rollout/fates.ts';
import { SimulatedBox } from '../../../bench/harness/rollout/simulated-box.ts';
import { rootTopic, topicOf } from '../../../contract/messages/topics.ts';
import { seededRandom } from '../../../core/random.ts';
import { DEFAULT_POLICY, pausing, resuming, rollingBack, starting } from '../../../deploy/rollout/begin-rollout.ts';
import { drive } from '../../../deploy/rollout/drive.ts';
import { Office } from '../../../deploy/rollout/office.ts';
import type { Plan } from '../../../deploy/rollout/planner.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { Listener } from '../../support/listener.ts';
import { Mosquitto } from '../../support/mosquitto.ts';
import { Passage } from '../../support/passage.ts';
import { describeWith } from '../../support/requirements.ts';
import { until } from '../../support/until.ts';
import { runWayside } from '../../support/wayside.ts';

const log = pino({ level: 'silent' });
const TIMING = { listenMs: 500, settleMs: 400, beatMs: 200 };
const never = new AbortController().signal;

describeWith({ needs: ['mosquitto'] }, 'a rollout over a real broker', () => {
  const folder = temporaryFolder();
  let broker: Mosquitto;
  let boxes: SimulatedBox[] = [];
  const offices: Office[] = [];
  let number = 0;
  beforeAll(async () => {
    broker = await Mosquitto.start(folder());
  });
  afterEach(async () => {
    await Promise.all([...boxes.map((box) => box.stop()), ...offices.splice(0).map((office) => office.close())]);
    boxes = [];
  });
  afterAll(() => broker.stop());

  const road = async (
    count: number,
    fate: (box: number, version: string) => Fate | undefined,
    stepMs = 20,
    groups: (box: number) => string[] = () => [],
  ) => {
    number++;
    boxes = Array.from({ length: count }, (_, index) => {
      const random = seededRandom(index);
      const id = `box-${index}`;
      return new SimulatedBox({
        url: broker.url,
        site: `s${number}`,
        id,
        groups: groups(index),
        log,
        random,
        fate: (version) => fate(index, version),
        stepMs,
      });
    });
    for (const box of boxes) box.start();
  };
  const office = async (name: string, url = broker.url): Promise<Office> => {
    const opened = await Office.open({ broker: { url }, site: `s${number}`, name, log, timing: TIMING });
    offices.push(opened);
    await until('boxes to report', () => opened.fleet.size === boxes.length);
    await opened.gather(100, never);
    return opened;
  };
  const start = (version: string, policy: Partial<typeof DEFAULT_POLICY> = {}) =>
    starting({
      model: { name: 'vehicles', version },
      selection: { groups: [], tags: [], hardware: [] },
      waves: ['canary', '25%', 'all'],
      policy: { ...DEFAULT_POLICY, ...policy },
      startedBy: 'test',
    });
  const drives = { drives: true };

  it('is completed on every box, each wave after the one before', async () => {
    await road(20, () => 'good');
    const first = await office('first');
    await first.change(start('2'), drives);
    const largest: number[] = [];
    const onPlan = ({ waves }: Plan): void => {
      largest.push(waves.reduce((sum, { count, size }) => sum + size - count.asked, 0));
    };
    const rollout = await drive(first, { signal: never, onPlan, beatMs: TIMING.beatMs });
    expect(rollout.state).toBe('completed');
    expect(boxes.map(({ version }) => version)).toEqual(boxes.map(() => '2'));
    expect(boxes.reduce((sum, { heard }) => sum + heard.size, 0)).toBe(20);
    expect(rollout.begun.map((wave) => wave.boxes)).toEqual([1, 4, 15]);
    expect(largest.find((count) => count > 0)).toBe(1);
  });

  it('tells the last wave by its groups, and leaves their job there for boxes that join when the office is gone', async () => {
    await road(
      40,
      () => 'good',
      20,
      (box) => [['north', 'south'][box % 2] ?? '', 'roads'],
    );
    const first = await office('first');
    await first.change(start('2'), drives);
    const listener = await Listener.start(broker.url);
    const rollout = await drive(first, { signal: never, beatMs: TIMING.beatMs });
    expect(rollout).toMatchObject({
      state: 'completed',
      begun: [{ boxes: 1 }, { boxes: 9 }, { group: { names: ['roads'] } }],
    });
    await first.close();
    expect(boxes.map(({ version }) => version)).toEqual(boxes.map(() => '2'));
    const jobs = listener.heard.filter(
      ({ topic }) => topic.startsWith(`wayside/v1/s${number}/`) && topic.endsWith('/model/desired'),
    );
    expect(jobs.filter(({ topic }) => topic.includes('/box-'))).toHaveLength(10);
    expect(jobs.filter(({ topic }) => topic.includes('/_group/roads/'))).toHaveLength(1);
    await listener.stop();

    const late = new SimulatedBox({
      ...{ url: broker.url, site: `s${number}`, id: 'late', groups: ['roads'], log, stepMs: 20 },
      random: seededRandom(99),
      fate: () => 'good',
    });
    boxes.push(late);
    late.start();
    await until('the late box to take it', () => late.version === '2');
    const second = await office('second');
    await second.record.read();
    await second.change(rollingBack, drives);
    expect((await drive(second, { signal: never, beatMs: TIMING.beatMs })).state).toBe('rolled-back');
    expect(boxes.map(({ version }) => version)).toEqual(boxes.map(() => '1'));
    const later = new SimulatedBox({
      ...{ url: broker.url, site: `s${number}`, id: 'later', groups: ['roads'], log, stepMs: 20 },
      random: seededRandom(98),
      fate: () => 'good',
    });
    boxes.push(later);
    later.start();
    const third = await office('third');
    expect(third.fleet.size).toBe(boxes.length);
    expect(later.heard.size).toBe(0);
  });

  it.each(['slower', 'wrong on one class', 'crashes after 50 frames'] as const)(
    'of a bad model, %s, stops at the canary, and goes back',
    async (fate) => {
      await road(20, () => fate);
      const first = await office('first');
      await first.change(start('2', { onFailure: 'roll-back' }), drives);
      const rollout = await drive(first, { signal: never, beatMs: TIMING.beatMs });
      expect(rollout).toMatchObject({
        state: 'rolled-back',
        reason: { code: 'ROLLOUT_FAILURES' },
        begun: { length: 1 },
      });
      expect(boxes.filter(({ heard }) => heard.size > 0)).toHaveLength(1);
      expect(boxes.filter(({ version }) => version !== '1')).toEqual([]);
    },
  );

  it('asks again what boxes said while the office could not hear, where the broker keeps nothing of it', async () => {
    await road(20, () => 'good', 300);
    const passage = new Passage(broker.port);
    await passage.start();
    try {
      const first = await office('first', `mqtt://127.0.0.1:${passage.port}`);
      await first.change(start('2'), drives);
      let deaf = false;
      const onPlan = ({ rollout, waves }: Plan): void => {
        if (deaf || rollout.begun.length < 3 || (waves.at(-1)?.count.asked ?? 1) > 0) return;
        deaf = true;
        passage.cut();
      };
      const driven = drive(first, { signal: never, onPlan, beatMs: TIMING.beatMs });
      await until('every box to take it', () => boxes.every(({ version }) => version === '2'));
      expect(deaf).toBe(true);
      // As a broker that keeps what is retained on a node that is no more.
      const client = await connectAsync(broker.url);
      for (const { id } of boxes) {
        const topic = topicOf(rootTopic(`s${number}`, id), 'model-report');
        await client.publishAsync(topic, '', { qos: 1, retain: true });
      }
      await client.endAsync();
      passage.mend();
      expect((await driven).state).toBe('completed');
    } finally {
      passage.stop();
    }
  });

  it('is not held by boxes that never answer', async () => {
    await road(20, (box) => (box % 5 === 0 ? undefined : 'good'));
    const first = await office('first');
    await first.change(start('2', { silentMs: 1500, failures: 1, success: 0 }), drives);
    const rollout = await drive(first, { signal: never, beatMs: TIMING.beatMs });
    expect(rollout.state).toBe('completed');
    await until('the others to take it', () => boxes.filter(({ version }) => version === '2').length === 16);
  });

  it('begun by two operators at once is begun by one; the other is told, and sends nothing', async () => {
    await road(8, () => 'good');
    const [first, second] = [await office('first'), await office('second')];
    const results = await Promise.allSettled([first.change(start('2'), drives), second.change(start('3'), drives)]);
    const won = results.findIndex(({ status }) => status === 'fulfilled');
    const [winner, loser] = won === 0 ? [first, second] : [second, first];
    expect(results[1 - won]).toMatchObject({ status: 'rejected', reason: { code: 'ROLLOUT_OVERTAKEN' } });
    expect(String((results[1 - won] as PromiseRejectedResult).reason.message)).toContain(
      won === 0 ? 'first' : 'second',
    );
    expect(loser.rollout.id).toBe(winner.rollout.id);
    const late = await office('third');
    expect((await late.record.read())?.rollout?.id, 'what the broker keeps').toBe(winner.rollout.id);
    expect((await drive(winner, { signal: never, beatMs: TIMING.beatMs })).state).toBe('completed');
    expect(new Set(boxes.map(({ version }) => version))).toEqual(new Set([won === 0 ? '2' : '3']));
  });

  it('is refused while another has not ended, and paused, resumed and taken back from another machine', async () => {
    await road(8, () => 'good');
    const [first, second] = [await office('first'), await office('second')];
    await first.change(start('2', { automatic: false }), drives);
    const driven = drive(first, { signal: never, beatMs: TIMING.beatMs });
    await until('the canary to succeed', () => second.record.current?.rollout?.state === 'waiting');
    await expect(second.change(start('3'), drives)).rejects.toMatchObject({ code: 'ROLLOUT_ACTIVE' });

    expect(await second.change(pausing, { drives: false })).toBe('first');
    expect(await second.change(resuming, drives)).toBe('first');
    expect(boxes.filter(({ version }) => version === '2')).toHaveLength(1);
    await until('it to go on', () => first.record.isMine && first.rollout.state === 'waiting');
    expect(await second.change(rollingBack, drives)).toBe('first');
    expect((await driven).state).toBe('rolled-back');
    expect(boxes.map(({ version }) => version)).toEqual(boxes.map(() => '1'));
  });

  it('is gone on with by another office where the first one is gone, with the same boxes and without telling any of them twice', async () => {
    await road(12, () => 'good');
    const first = await office('first');
    await first.change(start('2', { automatic: false }), drives);
    const gone = new AbortController();
    const driven = drive(first, { signal: gone.signal, beatMs: TIMING.beatMs });
    await until('the canary to succeed', () => first.rollout.state === 'waiting');
    const [canary] = boxes.filter(({ version }) => version === '2');
    // Without a word: a machine that loses its power says no goodbye.
    await first.close();
    gone.abort(new Error('the machine is gone'));
    await expect(driven).rejects.toMatchObject({ message: expect.stringMatching(/the machine is gone|closed before/) });

    const second = await office('second');
    expect((await second.record.read())?.driving, 'as the broker still says').toBe(true);
    expect(await second.change(resuming, drives)).toBeUndefined();
    const goesOn = drive(second, { signal: never, beatMs: TIMING.beatMs });
    await until('the second wave', () => second.rollout.state === 'waiting');
    expect(boxes.filter(({ version }) => version === '2')).toHaveLength(3);
    const third = await office('third');
    expect(await third.change(resuming, drives)).toBe('second');
    expect((await goesOn).state).toBe('completed');
    expect([canary?.heard.size, canary?.replayed]).toEqual([1, 0]);
  });

  it('fails as a command where the model does, and says of which box and why', async () => {
    await road(6, () => 'slower');
    const site = ['--broker', broker.url, '--site', `s${number}`, '--gather', '1s', '--json'];
    const listener = await Listener.start(broker.url);
    const unknown = await runWayside(['rollout', 'start', 'vehicles@2', '--trial-limit', 'memory=5', ...site]);
    expect(JSON.parse(unknown.stdout)).toMatchObject({
      error: { code: 'USAGE', message: expect.stringContaining('memory: no such limit') },
    });
    const stricter = ['--trial-limit', 'slower.margin=0.2', '--trial-limit', 'memoryMb=400', '--trial-hours', '2'];
    const failed = await runWayside(['rollout', 'start', 'vehicles@2', ...stricter, ...site]);
    const { message: sent } = await listener.next('model-desired', ({ limits }) => limits !== undefined);
    expect(sent.limits).toEqual({ slower: { margin: 0.2 }, memoryMb: 400, longestHours: 2 });
    await listener.stop();
    expect(failed.exit).toBe(1);
    expect(JSON.parse(failed.stdout)).toMatchObject({ error: { code: 'ROLLOUT_FAILED' } });
    const status = await runWayside(['rollout', 'status', ...site]);
    expect(JSON.parse(status.stdout)).toMatchObject({
      rollout: { state: 'stopped' },
      boxesKnown: 6,
      driver: null,
      troubled: [{ standing: 'failed', reason: expect.stringMatching(/^TRIAL_SLOWER/) }],
    });
    const again = await runWayside(['rollout', 'start', 'vehicles@3', ...site]);
    expect(JSON.parse(again.stdout)).toMatchObject({ error: { code: 'ROLLOUT_ACTIVE' } });
    expect((await runWayside(['rollout', 'abort', ...site])).exit).toBe(0);
    const none = await runWayside(['rollout', 'start', 'vehicles@3', '--group', 'trams', ...site]);
    expect(JSON.parse(none.stdout)).toMatchObject({ error: { code: 'ROLLOUT_NO_BOXES' } });
  });

  it('says nothing that breaks the contract', async () => {
    await road(4, () => 'good');
    const listener = await Listener.start(broker.url);
    const first = await office('first');
    await first.change(start('2'), drives);
    await drive(first, { signal: never, beatMs: TIMING.beatMs });
    const { message } = await listener.next(
      'rollout',
      ({ rollout }) => rollout?.id === first.rollout.id && rollout.state === 'completed',
    );
    expect(message.job).toBeGreaterThan(0);
    await listener.stop();
  });
});
