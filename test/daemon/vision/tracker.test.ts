import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../core/random.ts';
import { Tracker } from '../../../daemon/vision/tracker.ts';
import type { Detection } from '../../../inference/heads/detection.ts';

const car = (x: number, y: number, size = 0.1, score = 0.8, classIndex = 0): Detection => ({
  box: [x - size / 2, y - size / 2, size, size],
  classIndex,
  score,
});

/** Ids by frame of what is seen, where `seen` gives the detections of each moment. */
function idsOver(frames: number, fps: number, seen: (time: number, frame: number) => readonly Detection[]): number[][] {
  const tracker = new Tracker({ aspect: 16 / 9 });
  return Array.from({ length: frames }, (_, i) => tracker.update(seen(i / fps, i), i / fps).map(({ id }) => id));
}

describe('Tracker', () => {
  it('knows who is hidden of two walkers who meet one before the other: few go on as the other one', () => {
    let turned = 0;
    for (const fps of [5, 10, 15])
      for (let seed = 0; seed < 60; seed++) if (!keepTheirWays(...pastEachOther(fps, seed))) turned++;
    // 51 of 180 where all that is not seen is as surprising, hidden or not.
    expect(turned).toBeLessThan(40);
  });

  it('keeps the id of an object at a constant velocity through an occlusion', () => {
    const speeds = fc.double({ min: -0.15, max: 0.15, noNaN: true });
    fc.assert(
      fc.property(speeds, speeds, fc.constantFrom(5, 10, 25), fc.integer({ min: 1, max: 15 }), (vx, vy, fps, gap) => {
        const hidden = Math.min(gap, Math.floor(1.5 * fps)); // less than an object is kept
        const from = 2 * fps;
        const ids = idsOver(from + hidden + fps, fps, (time, i) =>
          i >= from && i < from + hidden ? [] : [car(0.5 + vx * (time - 2), 0.5 + vy * (time - 2))],
        );
        expect(new Set(ids.flat())).toEqual(new Set([1]));
        expect(ids.filter((each) => each.length === 0)).toHaveLength(hidden);
      }),
      { numRuns: 60 },
    );
  });

  it('keeps two objects apart that pass each other', () => {
    const tracker = new Tracker({ aspect: 1 });
    const ends = new Map<number, number[]>();
    for (let i = 0; i <= 40; i++) {
      const time = i / 10;
      const objects = tracker.update([car(0.1 + 0.2 * time, 0.5), car(0.9 - 0.2 * time, 0.55)], time);
      for (const { id, box } of objects) ends.set(id, [...(ends.get(id) ?? []), box[0]]);
    }
    expect([...ends.keys()]).toEqual([1, 2]);
    const [right = [], left = []] = [...ends.values()];
    expect(right.at(-1)).toBeGreaterThan(0.8);
    expect(left.at(-1)).toBeLessThan(0.2);
  });

  it('goes on with a track by detections of low score, and begins none by them', () => {
    const fading = idsOver(30, 10, (time, i) => [car(0.3 + 0.05 * time, 0.5, 0.1, i < 10 ? 0.8 : 0.15)]);
    expect(new Set(fading.flat())).toEqual(new Set([1]));
    expect(fading.every((each) => each.length === 1)).toBe(true);
    expect(idsOver(30, 10, () => [car(0.3, 0.5, 0.1, 0.3)]).flat()).toEqual([]);
  });

  it('follows an object that moves by most of its size between two frames', () => {
    const ids = idsOver(8, 2, (time) => [car(0.1 + 0.1 * time, 0.5, 0.08)]);
    expect(new Set(ids.flat())).toEqual(new Set([1]));
  });

  it('does not go on with a lost object by a fragment of another one near it', () => {
    const ids = idsOver(20, 10, (time, i) =>
      i < 10 ? [car(0.5, 0.5 + 0.05 * time, 0.06)] : i < 14 ? [] : [car(0.53, 0.62, 0.2)],
    );
    expect(ids.slice(14).flat()).not.toContain(1);
  });

  it('calls an object by what it mostly was', () => {
    const tracker = new Tracker({ aspect: 1 });
    const classes = Array.from({ length: 20 }, (_, i) => {
      const [object] = tracker.update([car(0.3 + i / 200, 0.5, 0.1, 0.6, i % 4 === 3 ? 1 : 0)], i / 10);
      return object?.classIndex;
    });
    expect(classes).toEqual(Array(20).fill(0));
  });

  it('begins with what its model says, else with what has 0.4, and goes on with less', () => {
    const ids = (begins?: boolean, score = 0.3) => {
      const tracker = new Tracker({ aspect: 1 });
      return tracker.update([{ ...car(0.5, 0.5, 0.1, score), ...(begins !== undefined && { begins }) }], 0).length;
    };
    expect([ids(), ids(true), ids(false)]).toEqual([0, 1, 0]);
    expect([ids(undefined, 0.4), ids(true, 0.4), ids(false, 0.4)]).toEqual([1, 1, 0]);
    const tracker = new Tracker({ aspect: 1 });
    const seen = [true, false, false].map((begins, i) => tracker.update([{ ...car(0.5, 0.5), begins }], i / 10)[0]?.id);
    expect(seen).toEqual([1, 1, 1]);
  });

  it('believes an object once it was seen three times', () => {
    const tracker = new Tracker({ aspect: 1 });
    const believed = [0, 1, 2, 3].map((i) => tracker.update([car(0.5, 0.5)], i / 10)[0]?.confirmed);
    expect(believed).toEqual([false, false, true, true]);
  });

  it('tells two walkers apart who meet, one hidden by the other: each goes on the way that it was going', () => {
    fc.assert(
      fc.property(fc.constantFrom(5, 10, 15), fc.double({ min: 0.3, max: 0.7, noNaN: true }), (fps, side) => {
        const random = seededRandom(Math.round(1e6 * side));
        const tracker = new Tracker({ aspect: 1 });
        const places = new Map<number, number[]>();
        const walker = (x: number, y: number): Detection => {
          const off = (): number => 0.03 * random.normal();
          return { box: [x - 0.02 + 0.04 * off(), y - 0.05 + 0.1 * off(), 0.04, 0.1], classIndex: 0, score: 0.8 };
        };
        for (let i = 0; i <= 6 * fps; i++) {
          const time = i / fps;
          const [down, up] = [0.2 + 0.1 * time, 0.8 - 0.1 * time];
          const meet = Math.abs(down - up) < 0.06;
          // Who is lower in the image is nearer, and hides the other.
          const seen = meet
            ? [down > up ? walker(side, down) : walker(side + 0.012, up)]
            : [walker(side, down), walker(side + 0.012, up)];
          for (const { id, box } of tracker.update(seen, time)) places.set(id, [...(places.get(id) ?? []), box[1]]);
        }
        const ways = [...places.values()].map((ys) => Math.sign(ys.at(-1)! - ys[0]!));
        expect(ways).toEqual([1, -1]);
        for (const ys of places.values()) expect(Math.abs(ys.at(-1)! - ys[0]!)).toBeGreaterThan(0.5);
      }),
      { numRuns: 30 },
    );
  });

  it('does not go on with what leaves the image by what comes in there', () => {
    for (const fps of [5, 10, 15]) {
      const cut = (x: number, y: number, height: number): Detection[] => {
        const [left, right] = [Math.max(0, x), Math.min(1, x + 0.3)];
        return right - left < 0.005 ? [] : [{ box: [left, y, right - left, height], classIndex: 0, score: 0.8 }];
      };
      const tracker = new Tracker({ aspect: 16 / 9 });
      const [leaving, coming] = [new Set<number>(), new Set<number>()];
      for (let i = 0; i < 5 * fps; i++) {
        const time = i / fps;
        for (const { id, box } of tracker.update(
          [...cut(0.5 + 0.25 * time, 0.4, 0.25), ...cut(1.7 - 0.25 * time, 0.45, 0.15)],
          time,
        ))
          (box[1] < 0.43 ? leaving : coming).add(id);
      }
      expect(leaving.size, `${fps} frames a second`).toBe(1);
      expect(
        [...coming].filter((id) => leaving.has(id)),
        `${fps} frames a second`,
      ).toEqual([]);
      expect(coming.size).toBeLessThanOrEqual(2);
    }
  });

  it('takes a box that reaches beyond the image for what is inside', () => {
    const ids = idsOver(40, 10, (time) => [{ box: [-0.2 + 0.1 * time, 0.4, 0.2, 0.2], classIndex: 0, score: 0.8 }]);
    expect(new Set(ids.flat())).toEqual(new Set([1]));
  });

  it('follows a walker whose box widens and narrows with each step', () => {
    const steps = (time: number): number => 0.03 + 0.015 * Math.sin(2 * Math.PI * 1.8 * time);
    const ids = idsOver(60, 15, (time) => [
      { box: [0.3 + 0.03 * time - steps(time) / 2, 0.5, steps(time), 0.1], classIndex: 0, score: 0.8 },
    ]);
    expect(new Set(ids.flat())).toEqual(new Set([1]));
  });

  it('goes on with an object of which something before it hides the lower part', () => {
    const ids = idsOver(40, 10, (time, i) => [
      { box: [0.3 + 0.03 * time, 0.4, 0.15, i < 15 || i > 25 ? 0.2 : 0.12], classIndex: 0, score: 0.8 },
    ]);
    expect(new Set(ids.flat())).toEqual(new Set([1]));
  });
});

/** Lower edges of the tracks of two walkers of whom the nearer hides the other for a second before they meet and one after. */
function pastEachOther(fps: number, seed: number): number[][] {
  const random = seededRandom(seed);
  const tracker = new Tracker({ aspect: 1 });
  const ways = new Map<number, number[]>();
  const [width, height, beside] = [0.03, 0.13, 0.006 + 0.008 * random.next()];
  const walker = (x: number, ground: number): Detection => {
    const off = (): number => 0.03 * random.normal();
    const [left, top] = [x - width / 2 + width * off(), ground - height + height * off()];
    return { box: [left, top, width * (1 + off()), height * (1 + off())], classIndex: 0, score: 0.8 };
  };
  for (let i = 0; i <= 8 * fps; i++) {
    const time = i / fps;
    const [down, up] = [0.4 + 0.03 * time, 0.64 - 0.03 * time];
    const covered = (1 - Math.abs(down - up) / height) * (1 - beside / width);
    const both = [
      { ground: down, box: walker(0.5, down) },
      { ground: up, box: walker(0.5 + beside, up) },
    ].sort((a, b) => b.ground - a.ground);
    const seen = both.slice(0, covered > 0.65 ? 1 : 2).filter(() => random.next() > 0.05);
    const objects = tracker.update(
      seen.map(({ box }) => box),
      time,
    );
    for (const { id, box } of objects) ways.set(id, [...(ways.get(id) ?? []), box[1] + box[3]]);
  }
  return [...ways.values()].filter((way) => way.length > 3 * fps);
}

/** Two, each of whom went all the way: one up, one down. */
function keepTheirWays(...ways: readonly (readonly number[])[]): boolean {
  const gone = ways.map((way) => way.at(-1)! - way[0]!).sort((a, b) => a - b);
  return gone.length === 2 && gone[0]! < -0.15 && gone[1]! > 0.15;
}
