import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MovementWatch } from '../../../daemon/vision/movements.ts';
import { SteadyObjects } from '../../../daemon/vision/steady-objects.ts';
import type { TrackedObject } from '../../../daemon/vision/tracker.ts';
import { type ZoneEvent, ZoneWatch } from '../../../daemon/vision/zone-watch.ts';

const ASPECT = 16 / 9;
const SIZE = 0.1;
const ZONE = {
  id: 'box',
  polygon: [
    [0.3, 0.3],
    [0.7, 0.3],
    [0.7, 0.7],
    [0.3, 0.7],
  ],
  stoppedSeconds: 5,
} as const;

/** An object whose ground point is at `[x, y]`. */
const at = (id: number, x: number, y: number): TrackedObject => ({
  id,
  box: [x - SIZE / ASPECT / 2, y - SIZE, SIZE / ASPECT, SIZE],
  classIndex: 0,
  score: 0.8,
  confirmed: true,
});

function eventsOf(frames: readonly (readonly TrackedObject[])[], fps = 10): ZoneEvent[] {
  const [steady, zones] = [new SteadyObjects(ASPECT), new ZoneWatch([ZONE], ASPECT)];
  return frames.flatMap((objects, i) => zones.update(steady.update(objects, i / fps), i / fps));
}

const way = (from: number, to: number, frames: number): number[] =>
  Array.from({ length: frames }, (_, i) => from + ((to - from) * i) / (frames - 1));

describe('a zone', () => {
  it('is entered and left once, and how long somebody was inside is told', () => {
    const events = eventsOf(way(0.1, 0.9, 81).map((y) => [at(1, 0.5, y)]));
    expect(events.map(({ kind }) => kind)).toEqual(['entered', 'left']);
    expect(events[1]?.dwellSeconds).toBeCloseTo(4, 0);
  });

  it('is neither entered nor left by who trembles on its edge', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -0.009, max: 0.009, noNaN: true }), { maxLength: 60 }), (trembling) => {
        expect(eventsOf(trembling.map((off) => [at(1, 0.5, 0.3 + off)]))).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  it('tells once of who stops in it, also while its id changes, and again after it moved on and stopped', () => {
    const still = (frames: number, y: number, id = 1) => Array.from({ length: frames }, () => [at(id, 0.5, y)]);
    const frames = [
      ...way(0.1, 0.5, 20).map((y) => [at(1, 0.5, y)]),
      ...still(40, 0.5),
      ...still(40, 0.5, 2),
      ...way(0.5, 0.65, 10).map((y) => [at(2, 0.5, y)]),
      ...still(80, 0.65, 2),
    ];
    const events = eventsOf(frames);
    expect(events.map(({ kind }) => kind)).toEqual(['entered', 'stopped', 'stopped']);
    expect(new Set(events.map(({ object }) => object)).size).toBe(1);
  });

  it('is left by who is not seen any more, at the moment when it was last seen', () => {
    const events = eventsOf([
      ...way(0.1, 0.5, 21).map((y) => [at(1, 0.5, y)]),
      ...Array.from({ length: 60 }, () => []),
    ]);
    expect(events).toMatchObject([{ kind: 'entered' }, { kind: 'left', time: 2 }]);
  });
});

describe('a movement', () => {
  const passage = (place: string, time: number, object = 1) => ({ place, object, track: object, time, classIndex: 0 });
  it('is made by who passes one place and then the other, once', () => {
    const watch = new MovementWatch([{ id: 'left turn', from: 'south', to: 'west' }]);
    expect(watch.update([passage('west', 1), passage('south', 2)], 2)).toEqual([]);
    expect(watch.update([passage('west', 5)], 5)).toMatchObject([{ movement: 'left turn', time: 5, seconds: 3 }]);
    expect(watch.update([passage('south', 6), passage('west', 7)], 7)).toEqual([]);
    expect(watch.update([passage('south', 8, 2), passage('west', 9, 3)], 9)).toEqual([]);
  });
});
