import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Rollout } from '../../../contract/messages/rollout.ts';
import type { HeardBox } from '../../../deploy/rollout/boxes.ts';
import { begin, goOn, isEnded, plan, takeBack } from '../../../deploy/rollout/planner.ts';
import { AT, type BoxSays, heardBox, rolloutOf } from './made-up-box.ts';

const MINUTE = 60_000;

/** A fleet and its office, without a broker: what a box is told it answers as `behaves` says. */
class Road {
  rollout: Rollout;
  now = AT;
  readonly boxes = new Map<string, HeardBox>();
  readonly begunWith: number[] = [];
  #job = 1000;
  readonly #behaves: (box: string, action: string) => BoxSays | undefined;

  constructor(count: number, rollout: Rollout, behaves: (box: string, action: string) => BoxSays | undefined) {
    this.rollout = rollout;
    this.#behaves = behaves;
    for (let index = 0; index < count; index++) this.boxes.set(`box-${index}`, heardBox(`box-${index}`));
  }

  nextJob = (): number => ++this.#job;

  /** One look of the office, and the answers to what it sent. */
  look(): ReturnType<typeof plan> {
    const next = plan(this.rollout, this.boxes.values(), this.now, this.nextJob);
    this.rollout = next.rollout;
    for (const [id, { job, action }] of next.orders) {
      const before = this.boxes.get(id)?.report;
      if (before === undefined || before.job >= job) continue; // a number that was seen is refused
      const says = this.#behaves(id, action);
      if (says !== undefined) this.boxes.set(id, heardBox(id, { job, groups: before.groups, ...says }, this.now));
    }
    return next;
  }

  /** Looks until nothing changes any more, or the time is over. */
  run(minutes: number): Rollout {
    for (let passed = 0; passed < minutes && !isEnded(this.rollout) && this.rollout.state !== 'stopped'; passed++) {
      this.look();
      this.now += MINUTE;
    }
    return this.rollout;
  }
}

const GOOD: BoxSays = { state: 'promoted', version: '2', served: 500 };
const BAD: BoxSays = { state: 'rolled-back', version: '1' };
const answers = (_box: string, action: string): BoxSays => (action === 'install' ? GOOD : BAD);

describe('a staged rollout', () => {
  it('goes canary, 5%, 25%, all, and each box is told once', () => {
    const road = new Road(200, rolloutOf(), answers);
    expect(road.run(20).state).toBe('completed');
    expect(road.rollout.begun.map(({ boxes }) => boxes)).toEqual([1, 9, 40, 150]);
    expect(new Set(road.rollout.begun.map(({ job }) => job)).size).toBe(4);
  });

  it('stops at the canary when the model is bad, and no other box ever hears of it', () => {
    const road = new Road(200, rolloutOf(), () => BAD);
    expect(road.run(20).state).toBe('stopped');
    expect(road.rollout.reason?.code).toBe('ROLLOUT_FAILURES');
    expect([...road.boxes.values()].filter(({ report }) => report.job > 0)).toHaveLength(1);
  });

  it.each([
    ['roll-back', 9],
    ['roll-back-all', 10],
  ] as const)('with %s takes the model back from %i boxes when the second wave fails', (onFailure, count) => {
    let installs = 0;
    const road = new Road(200, rolloutOf({}, { onFailure }), (_box, action) => {
      if (action === 'roll-back') return BAD;
      installs++;
      return installs === 1 || installs > 4 ? GOOD : BAD;
    });
    expect(road.run(50).state).toBe('rolled-back');
    const back = road.rollout.takingBack?.job;
    expect([...road.boxes.values()].filter(({ report }) => report.job === back)).toHaveLength(count);
    expect([...road.boxes.values()].filter(({ report }) => report.running?.version === '2')).toHaveLength(10 - count);
  });

  it('does not take a promotion for success before the new model has served', () => {
    const road = new Road(1, rolloutOf({ waves: ['all'] }), () => ({ ...GOOD, served: 99 }));
    expect(road.run(20).state).toBe('running');
    expect(road.look().waves[0]?.count.proving).toBe(1);
    road.boxes.set('box-0', heardBox('box-0', { job: 1001, ...GOOD, served: 100 }, road.now));
    expect(road.run(2).state).toBe('completed');
  });

  it('sees a box of an earlier wave that went back later', () => {
    const road = new Road(100, rolloutOf({ waves: ['10', '50', 'all'] }, { automatic: false }), answers);
    road.run(3);
    expect(road.rollout.state).toBe('waiting');
    const [first] = road.look().waves[0]?.members ?? [];
    const id = first?.box.id ?? '';
    road.boxes.set(id, heardBox(id, { job: road.rollout.begun[0]?.job ?? 0, ...BAD }, road.now));
    expect(road.run(2).state).toBe('stopped');
  });

  it('by hand waits after each wave until an operator goes on', () => {
    const road = new Road(100, rolloutOf({}, { automatic: false }), answers);
    for (const wave of [1, 2, 3]) {
      road.run(5);
      expect(road.rollout).toMatchObject({ state: 'waiting', begun: { length: wave } });
      road.rollout = goOn(road.rollout, [...road.boxes.values()], road.now, road.nextJob);
    }
    expect(road.run(5).state).toBe('completed');
  });
});

describe('boxes that never answer', () => {
  const silent = (share: number) => (box: string, action: string) =>
    Number(box.slice(4)) % 100 < share * 100 ? undefined : answers(box, action);

  it('hold nothing where enough others succeed', () => {
    const road = new Road(1000, rolloutOf({ waves: ['500', 'all'] }, { success: 0.9, failures: 0.15 }), silent(0.05));
    expect(road.run(5).state).toBe('completed');
    expect(road.now - AT).toBeLessThan(5 * MINUTE);
  });

  it('count as failed after their time, and stop what too many of them are in', () => {
    const road = new Road(1000, rolloutOf({ waves: ['500', 'all'] }), silent(0.1));
    expect(road.run(120).state).toBe('stopped');
    expect(road.rollout.reason?.message).toContain('by silence');
    expect(road.now - AT).toBeLessThanOrEqual(32 * MINUTE);
  });

  it('are not those that the office could not hear: after a lost connection their time begins anew', () => {
    const begun = rolloutOf({ waves: ['all'] });
    const road = new Road(20, begun, () => undefined);
    road.look();
    const later = (now: number, hearingSince?: number) =>
      plan(road.rollout, road.boxes.values(), now, road.nextJob, hearingSince).rollout.state;
    expect(later(AT + 31 * MINUTE)).toBe('stopped');
    expect(later(AT + 31 * MINUTE, AT + 30 * MINUTE)).toBe('running');
    expect(later(AT + 61 * MINUTE, AT + 30 * MINUTE)).toBe('stopped');
  });

  it('join when they come back: their order stands until then', () => {
    const road = new Road(2, rolloutOf({ waves: ['all'] }, { success: 0.5, failures: 1 }), (box, action) =>
      road.now - AT < 60 * MINUTE && box === 'box-0' ? undefined : answers(box, action),
    );
    road.run(10);
    expect(road.rollout.state).toBe('completed');
    const late = plan(road.rollout, road.boxes.values(), AT + 61 * MINUTE, road.nextJob);
    expect(late.orders.get('box-0')?.action).toBe('install');
  });

  it('that move and never end count as failed at the deadline', () => {
    const road = new Road(1, rolloutOf({ waves: ['all'] }, { deadlineMs: 90 * MINUTE }), () => ({ state: 'shadow' }));
    for (let minute = 0; minute < 89; minute++) {
      road.now = AT + minute * MINUTE;
      road.boxes.set('box-0', heardBox('box-0', { job: road.rollout.begun[0]?.job ?? 0, state: 'shadow' }, road.now));
      expect(road.look().rollout.state).toBe('running');
    }
    road.now = AT + 91 * MINUTE;
    expect(road.look().rollout.state).toBe('stopped');
  });
});

describe('what an operator does', () => {
  it('a pause and a stop take the order from boxes that have not begun, and leave those that have', () => {
    const road = new Road(10, rolloutOf({ waves: ['all'] }), (box) =>
      box === 'box-3' ? { state: 'shadow' } : undefined,
    );
    road.look();
    road.look();
    const paused = plan({ ...road.rollout, state: 'paused' }, road.boxes.values(), road.now, road.nextJob);
    expect(paused.orders.size).toBe(0);
    expect(paused.withdrawn).toHaveLength(9);
    expect(paused.withdrawn).not.toContain('box-3');
  });

  it('goes on after a stop under a new job, for those that did not succeed alone', () => {
    const road = new Road(10, rolloutOf({ waves: ['all'] }), (box) => (box === 'box-3' ? BAD : GOOD));
    expect(road.run(5).state).toBe('stopped');
    const before = road.rollout.begun[0]?.job ?? 0;
    road.rollout = goOn(road.rollout, [...road.boxes.values()], road.now, road.nextJob);
    const { orders } = plan(road.rollout, road.boxes.values(), road.now, road.nextJob);
    expect([...orders]).toEqual([
      ['box-3', { job: expect.any(Number), action: 'install', unknownAt: expect.any(Number), byGroup: false }],
    ]);
    expect(orders.get('box-3')?.job).toBeGreaterThan(before);
  });

  it('takes back from silent boxes too, and does not wait for them for ever', () => {
    const road = new Road(4, rolloutOf({ waves: ['all'] }, { failures: 1, success: 0.7 }), (box, action) =>
      box === 'box-0' ? undefined : answers(box, action),
    );
    expect(road.run(5).state).toBe('completed');
    road.rollout = takeBack(road.rollout, 0, road.now, road.nextJob);
    expect(road.run(60).state).toBe('rolled-back');
    expect([...road.boxes.values()].every(({ report }) => report.running?.version === '1')).toBe(true);
  });

  it('means the groups that were asked for', () => {
    const road = new Road(
      10,
      rolloutOf({ waves: ['all'], selection: { groups: ['trams'], tags: [], hardware: [] } }),
      answers,
    );
    road.boxes.set('box-4', heardBox('box-4', { groups: ['trams', 'roads'] }));
    expect(road.run(5).state).toBe('completed');
    expect([...road.boxes.values()].filter(({ report }) => report.job > 0).map(({ id }) => id)).toEqual(['box-4']);
  });
});

describe('laws of the plan', () => {
  const fates = fc.array(fc.constantFrom<BoxSays | undefined>(GOOD, GOOD, GOOD, BAD, undefined, { state: 'shadow' }), {
    minLength: 1,
    maxLength: 40,
  });
  const policies = fc.record({
    automatic: fc.constant(true),
    success: fc.double({ min: 0, max: 1, noNaN: true }),
    failures: fc.double({ min: 0, max: 1, noNaN: true }),
    onFailure: fc.constantFrom('stop', 'roll-back', 'roll-back-all'),
  });

  it('every rollout ends or stops, whatever boxes do, within the time of a box for each wave and one for going back', () => {
    fc.assert(
      fc.property(fates, policies, (each, policy) => {
        const road = new Road(each.length, rolloutOf({}, policy), (box, action) =>
          action === 'install' ? each[Number(box.slice(4))] : BAD,
        );
        road.run(5 * 31 + 10);
        return isEnded(road.rollout) || road.rollout.state === 'stopped';
      }),
      { numRuns: 60 },
    );
  });

  it('no wave begins while one before it has more failures than allowed', () => {
    fc.assert(
      fc.property(fates, policies, (each, policy) => {
        const road = new Road(each.length, rolloutOf({}, policy), (box) => each[Number(box.slice(4))]);
        for (let minute = 0; minute < 60 && !isEnded(road.rollout); minute++) {
          const waves = road.rollout.begun.length;
          const { waves: after } = road.look();
          if (road.rollout.begun.length > waves && waves > 0) {
            for (const wave of after.slice(0, waves)) {
              expect(wave.count.failed + wave.count.silent).toBeLessThanOrEqual(policy.failures * wave.size + 1e-6);
              expect(wave.count.succeeded).toBeGreaterThanOrEqual(
                wave === after[waves - 1] ? policy.success * wave.size - 1e-6 : 0,
              );
            }
          }
          road.now += MINUTE;
        }
      }),
      { numRuns: 60 },
    );
  });

  it('another office, with the boxes heard in any order and some late, draws the same', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(Array.from({ length: 60 }, (_, index) => `box-${index}`)), (heard) => {
        const all = Array.from({ length: 60 }, (_, index) => heardBox(`box-${index}`));
        const begun = begin(rolloutOf({ waves: ['25%', 'all'] }), all, AT, () => 7);
        const first = plan(begun, all, AT, () => 8).orders;
        const later = plan(
          begun,
          heard.map((id) => heardBox(id)),
          AT,
          () => 8,
        ).orders;
        expect(new Set(later.keys())).toEqual(new Set([...first.keys()].filter((id) => heard.includes(id))));
      }),
      { numRuns: 40 },
    );
  });
});
