import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { SimulatedBox } from '../../../bench/harness/rollout/simulated-box.ts';
import { groupTopic, rootTopic, topicOf } from '../../../contract/messages/topics.ts';
import { seededRandom } from '../../../core/random.ts';
import { starting } from '../../../deploy/rollout/begin-rollout.ts';
import { standingOf } from '../../../deploy/rollout/boxes.ts';
import { drive } from '../../../deploy/rollout/drive.ts';
import { Office } from '../../../deploy/rollout/office.ts';
import { begin, plan } from '../../../deploy/rollout/planner.ts';
import { freePort } from '../../support/mosquitto.ts';
import { QuietBroker } from '../../support/quiet-broker.ts';
import { until } from '../../support/until.ts';
import { AT, heardBox, rolloutOf } from './made-up-box.ts';

const boxes = (count: number) => Array.from({ length: count }, (_, index) => heardBox(`box-${index}`));
const at = new Date(AT).toISOString();

/** All waves of a rollout begun at once, to the windows of their jobs. */
function windows(count: number, spreadSeconds?: number): (number | undefined)[] {
  let job = 0;
  const fleet = boxes(count);
  let rollout = rolloutOf({ waves: ['20', '25%', 'all'] }, spreadSeconds === undefined ? {} : { spreadSeconds });
  for (let wave = 0; wave < 3; wave++) rollout = begin(rollout, fleet, AT, () => ++job);
  const { orders, waves, group } = plan(rollout, fleet, AT, () => ++job);
  const ofWaves = waves.map(({ members: [member] }) => orders.get(member?.box.id ?? '')?.spreadSeconds);
  return [...ofWaves, group?.spreadSeconds];
}

describe('the window in which boxes begin', () => {
  it('is of the last wave alone: half a second for each of its boxes, none below a minute, or as told', () => {
    expect(windows(2000)).toEqual([undefined, undefined, 750, 750]);
    expect(windows(100)).toEqual([undefined, undefined, undefined, undefined]);
    expect(windows(100, 90)).toEqual([undefined, undefined, 90, 90]);
    expect(windows(2000, 0)).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('is not held against a box that waits for its turn, nor given to one that never answered', () => {
    const wave = { job: 7, startedAt: at, upTo: Number.MAX_SAFE_INTEGER, boxes: 2 };
    const rollout = rolloutOf({ waves: ['all'], begun: [wave] }, { spreadSeconds: 3600, silentMs: 60_000 });
    const later = (minutes: number, says: Parameters<typeof heardBox>[1]) =>
      standingOf(heardBox('a', says), wave, 7, rollout, AT + minutes * 60_000);
    expect(later(59, { job: 7, state: 'waiting' })).toBe('working');
    expect(later(62, { job: 7, state: 'waiting' })).toBe('silent');
    expect(later(2, { job: 7, state: 'downloading' })).toBe('silent');
    expect(later(2, {})).toBe('silent');
  });

  it('stands in the job of a group; a box that does not answer, as one of older software, is told without it', async () => {
    const port = await freePort();
    const broker = new QuietBroker(port);
    await broker.open();
    const url = `mqtt://127.0.0.1:${port}`;
    const log = pino({ level: 'silent' });
    const fleet = ['a', 'b', 'silent'].map(
      (id, index) =>
        new SimulatedBox({
          ...{ url, site: 's', id, groups: ['roads'], log, random: seededRandom(index), stepMs: 1 },
          fate: () => (id === 'silent' ? undefined : 'good'),
        }),
    );
    for (const box of fleet) box.start();
    const timing = { listenMs: 100, settleMs: 100, beatMs: 100 };
    const office = await Office.open({ broker: { url }, site: 's', name: 'office', log, timing });
    const over = new AbortController();
    try {
      await until('boxes to report', () => office.fleet.size === fleet.length);
      const { policy } = rolloutOf({}, { spreadSeconds: 600, success: 1 });
      const selection = { groups: ['roads'], tags: [], hardware: [] };
      const model = { name: 'vehicles', version: '2' };
      await office.change(starting({ model, selection, waves: ['all'], policy, startedBy: 'test' }), { drives: true });
      const driven = drive(office, { signal: over.signal, beatMs: 100, repeatMs: 300 });
      const own = topicOf(rootTopic('s', 'silent'), 'model-desired');
      await until('the silent box to be told by itself', () => broker.retained.has(own));
      const jobOn = (topic: string) => JSON.parse(broker.retained.get(topic) ?? '{}');
      expect(jobOn(groupTopic('s', 'roads'))).toMatchObject({ spreadSeconds: 600, model });
      expect(jobOn(own)).toMatchObject({ model, job: jobOn(groupTopic('s', 'roads')).job });
      expect(jobOn(own)).not.toHaveProperty('spreadSeconds');
      over.abort(new Error('seen'));
      await expect(driven).rejects.toThrow('seen');
    } finally {
      await office.close();
      await Promise.all(fleet.map((box) => box.stop()));
      await broker.close();
    }
  });
});
