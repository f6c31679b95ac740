import { describe, expect, it } from 'vitest';
import type { Rollout } from '../../../contract/messages/rollout.ts';
import type { HeardBox } from '../../../deploy/rollout/boxes.ts';
import { wholeGroups } from '../../../deploy/rollout/group-jobs.ts';
import { goOn, plan, takeBack } from '../../../deploy/rollout/planner.ts';
import { AT, type BoxSays, heardBox, rolloutOf } from './made-up-box.ts';

const GOOD: BoxSays = { state: 'promoted', version: '2', served: 500 };
const BAD: BoxSays = { state: 'rolled-back', version: '1' };
const EVERYONE = { groups: [], tags: [], hardware: [] };

/** A fleet whose boxes hear their own topic and those of their groups, and an office that leaves orders `byGroup` to the groups. */
class Road {
  rollout: Rollout;
  now = AT;
  readonly boxes = new Map<string, HeardBox>();
  /** Jobs that were taken, and orders by a box's own topic. */
  readonly taken: string[] = [];
  told = 0;
  #job = 1000;
  readonly #behaves: (box: string) => BoxSays | undefined;

  constructor(count: number, rollout: Rollout, behaves: (box: string) => BoxSays | undefined = () => GOOD) {
    this.rollout = rollout;
    this.#behaves = behaves;
    for (let index = 0; index < count; index++) this.boxes.set(`box-${index}`, heardBox(`box-${index}`));
  }

  nextJob = (): number => ++this.#job;

  look(): ReturnType<typeof plan> {
    this.now += 60_000;
    const next = plan(this.rollout, this.boxes.values(), this.now, this.nextJob);
    this.rollout = next.rollout;
    for (const [id, { job, byGroup }] of next.orders) {
      if (byGroup) continue;
      this.told++;
      this.#hear(id, job);
    }
    const { names = [], job } = next.group ?? {};
    for (const { id, report } of this.boxes.values())
      if (job !== undefined && report.groups.some((name) => names.includes(name))) this.#hear(id, job);
    return next;
  }

  run(looks: number): this {
    for (let index = 0; index < looks; index++) this.look();
    return this;
  }

  #hear(id: string, job: number): void {
    const before = this.boxes.get(id)?.report;
    if (before === undefined || before.job >= job) return;
    this.taken.push(id);
    const says = this.#behaves(id);
    if (says !== undefined) this.boxes.set(id, heardBox(id, { job, groups: before.groups, ...says }, this.now));
  }
}

describe('the job of a group', () => {
  it('reaches the last wave alone: boxes of the waves before have seen its number', () => {
    const road = new Road(100, rolloutOf({ waves: ['canary', '5%', '25%', 'all'] })).run(12);
    expect(road.rollout.state).toBe('completed');
    expect(road.taken).toHaveLength(100);
    expect(new Set(road.taken).size).toBe(100);
    expect(road.told).toBe(25);
    expect(road.look().group).toEqual({ names: ['roads'], job: 1001 });
  });

  it('is there for a box that joins later, in whatever wave it is drawn', () => {
    const road = new Road(40, rolloutOf()).run(12);
    for (let index = 100; index < 140; index++) road.boxes.set(`box-${index}`, heardBox(`box-${index}`));
    const { orders } = road.look();
    expect([...orders.values()].every(({ byGroup }) => byGroup)).toBe(true);
    const { waves } = road.look();
    expect(waves.map(({ count, size }) => size - count.succeeded)).toEqual([0, 0, 0, 0]);
    expect(road.told).toBe(10);
  });

  it('is off the topics when the rollout is stopped, paused, aborted or taken back', () => {
    const lenient = { success: 0.5, failures: 1 };
    const road = new Road(40, rolloutOf({ waves: ['10', 'all'] }, lenient), (box) =>
      box.endsWith('7') ? undefined : GOOD,
    );
    road.run(4);
    expect(road.look().group?.job).toBe(1001);
    for (const state of ['stopped', 'paused', 'aborted'] as const)
      expect(plan({ ...road.rollout, state }, [], road.now, road.nextJob).group).toEqual({
        names: ['roads'],
        job: undefined,
      });
    road.rollout = takeBack(road.rollout, 1, road.now, road.nextJob);
    expect(road.look()).toMatchObject({ group: { names: ['roads'], job: undefined } });
    expect([...road.look().orders.values()].some(({ byGroup }) => byGroup)).toBe(false);
  });

  it('is not what a wave is tried again with: that is for those that failed, under a new number', () => {
    const road = new Road(20, rolloutOf({ waves: ['5', 'all'] }), () => (road.rollout.begun.length > 1 ? BAD : GOOD));
    road.run(6);
    expect(road.rollout.state).toBe('stopped');
    road.rollout = goOn(road.rollout, [...road.boxes.values()], road.now, road.nextJob);
    const again = plan(road.rollout, road.boxes.values(), road.now, road.nextJob);
    expect(again.group).toEqual({ names: ['roads'], job: undefined });
    expect(again.orders.size).toBe(15);
    for (const { job, byGroup } of again.orders.values()) expect([job > 1002, byGroup]).toEqual([true, false]);
  });

  it('is not for a box that has seen a higher one of another rollout, and not for one without a group', () => {
    const road = new Road(10, rolloutOf({ waves: ['2', 'all'] }));
    road.boxes.set('box-alone', heardBox('box-alone', { groups: [] }));
    road.run(1);
    for (let index = 0; index < 10; index++) {
      const { report } = road.boxes.get(`box-${index}`) ?? {};
      if (report?.job === 0) road.boxes.set(`box-${index}`, heardBox(`box-${index}`, { job: 1001, rollout: 'old' }));
    }
    road.run(6);
    expect(road.rollout.state).toBe('completed');
    expect(road.told).toBe(11);
  });
});

describe('groups as a whole', () => {
  const boxes = (...groups: string[][]): HeardBox[] =>
    groups.map((names, index) => heardBox(`box-${index}`, { groups: names }));

  it('are those that a rollout is for, and none where it asks for tags or hardware too', () => {
    expect(wholeGroups({ ...EVERYONE, groups: ['trams'] }, boxes(['roads']))).toEqual(['trams']);
    expect(wholeGroups({ ...EVERYONE, groups: ['roads'], tags: ['pi5'] }, boxes(['roads'], ['roads']))).toEqual([]);
    expect(wholeGroups({ ...EVERYONE, hardware: ['arm64'] }, boxes(['roads'], ['roads']))).toEqual([]);
  });

  it('reach as many boxes as they can, each by as few as they can', () => {
    const fleet = boxes(
      ['roads', 'north'],
      ['roads', 'north'],
      ['roads', 'south'],
      ['trams', 'south'],
      ['trams'],
      ['one'],
      [],
    );
    expect(wholeGroups(EVERYONE, fleet)).toEqual(['roads', 'trams']);
  });
});
