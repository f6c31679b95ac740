import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../core/random.ts';
import { type Crossing, LineCounter } from '../../../daemon/vision/line-counter.ts';
import { SteadyObjects } from '../../../daemon/vision/steady-objects.ts';
import type { TrackedObject } from '../../../daemon/vision/tracker.ts';

/** Across the image at half its height: forward is downward. */
const LINE = { id: 'stop', from: [0.1, 0.5], to: [0.9, 0.5] } as const;
const ASPECT = 16 / 9;
const SIZE = 0.1;

/** An object whose ground point is at `[x, y]`. */
const at = (id: number, x: number, y: number, confirmed = true): TrackedObject => ({
  id,
  box: [x - SIZE / ASPECT / 2, y - SIZE, SIZE / ASPECT, SIZE],
  classIndex: 0,
  score: 0.8,
  confirmed,
});

function crossingsOf(frames: readonly (readonly TrackedObject[])[], fps = 10): Crossing[] {
  const [steady, counter] = [new SteadyObjects(ASPECT), new LineCounter([LINE], ASPECT)];
  return frames.flatMap((objects, i) => counter.update(steady.update(objects, i / fps), i / fps));
}

const way = (from: number, to: number, frames: number): number[] =>
  Array.from({ length: frames }, (_, i) => from + ((to - from) * i) / (frames - 1));

describe('LineCounter', () => {
  it('counts a passage once, in its direction, at the moment of the ground point', () => {
    const [down] = [crossingsOf(way(0.3, 0.7, 41).map((y) => [at(1, 0.5, y)]))];
    expect(down).toMatchObject([
      { line: 'stop', direction: 'forward', track: 1, time: expect.closeTo(2, 5), classIndex: 0 },
    ]);
    const up = crossingsOf(way(0.7, 0.3, 41).map((y) => [at(1, 0.5, y)]));
    expect(up).toMatchObject([{ direction: 'backward' }]);
  });

  it('does not count who passes beside the ends of the line', () => {
    expect(crossingsOf(way(0.3, 0.7, 41).map((y) => [at(1, 0.95, y)]))).toEqual([]);
  });

  it('tells by all that is seen around it whether a line was passed within its end', () => {
    const random = seededRandom(5);
    // Slanting over the line, as the ground point of a long vehicle does; boxes tremble by a thirtieth of their size.
    const passing = (x: number): number => {
      const frames = Array.from({ length: 41 }, (_, i) => {
        const [off, tremble] = [random.normal() * 0.03 * SIZE, random.normal() * 0.03 * SIZE];
        return [at(1, x + 0.01 * (i - 20) + off, 0.3 + 0.01 * i + tremble)];
      });
      return crossingsOf(frames).length;
    };
    const times = (x: number): number => Array.from({ length: 200 }, () => passing(x)).reduce((a, b) => a + b, 0);
    expect(times(0.895)).toBeGreaterThan(190);
    expect(times(0.905)).toBeLessThan(10);
  });

  it('counts who passed near the end of a line and was not seen any more', () => {
    const frames = [...way(0.3, 0.53, 24).map((y) => [at(1, 0.896, y)]), ...Array.from({ length: 10 }, () => [])];
    expect(crossingsOf(frames)).toMatchObject([{ direction: 'forward', time: expect.closeTo(2, 1) }]);
  });

  it('counts who passes while it waits to be settled that an earlier one did, each once', () => {
    const frames = Array.from({ length: 60 }, (_, i) => [at(1, 0.896, 0.3 + i / 100), at(2, 0.5, 0.3 + i / 100)]);
    expect(new Set(crossingsOf(frames).map(({ track }) => track))).toEqual(new Set([1, 2]));
    expect(crossingsOf(frames)).toHaveLength(2);
  });

  it('does not count what trembles on the line, and counts it once when it goes on', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -0.009, max: 0.009, noNaN: true }), { maxLength: 60 }), (trembling) => {
        const waits = [...way(0.4, 0.5, 11), ...trembling.map((off) => 0.5 + off)];
        expect(crossingsOf(waits.map((y) => [at(1, 0.5, y)]))).toEqual([]);
        const goesOn = [...waits, ...way(0.51, 0.6, 10)];
        expect(crossingsOf(goesOn.map((y) => [at(1, 0.5, y)]))).toHaveLength(1);
      }),
      { numRuns: 50 },
    );
  });

  it('counts a vehicle once that waits on the line while its id flickers', () => {
    const random = seededRandom(11);
    const jitter = (by: number): number => (random.next() - 0.5) * by;
    let error = 0;
    for (let wait = 0; wait < 500; wait++) {
      let id = 1;
      const rests = 0.5 + jitter(SIZE);
      const places = [...way(0.35, rests, 15), ...Array(40).fill(rests), ...way(rests, 0.7, 20)] as number[];
      const frames = places.map((y) => {
        const lost = random.next() < 0.2;
        if (lost) id++;
        return lost ? [] : [at(id, 0.5, y + jitter(0.01))];
      });
      error += Math.abs(crossingsOf(frames).length - 1);
    }
    expect(error).toBe(0);
  });

  it('counts who passed while hidden, once it is seen again', () => {
    const frames = way(0.3, 0.7, 41).map((y, i) => (i > 15 && i < 25 ? [] : [at(1, 0.5, y)]));
    expect(crossingsOf(frames)).toMatchObject([{ direction: 'forward', time: expect.closeTo(2, 1) }]);
  });

  it('waits until an object is believed, and then counts what it did before', () => {
    const frames = way(0.45, 0.6, 16).map((y, i) => [at(1, 0.5, y, i >= 10)]);
    expect(crossingsOf(frames)).toMatchObject([{ time: expect.closeTo(0.5, 1) }]);
    expect(crossingsOf(frames.slice(0, 10))).toEqual([]);
  });

  it('counts again what went away from the line and comes again: of two who met, the ids were exchanged', () => {
    const there = way(0.3, 0.6, 31);
    const frames = [...there, 0.35, ...way(0.36, 0.6, 25)].map((y) => [at(1, 0.5, y)]);
    const directions = crossingsOf(frames).map(({ direction }) => direction);
    expect(directions).toEqual(['forward', 'backward', 'forward']);
  });

  it('does not count what reaches over the line for a moment, and counts it once when it passes', () => {
    const waits = (seconds: number): number[] => Array.from({ length: 10 * seconds }, () => 0.48);
    const frames = [...waits(2), 0.515, 0.52, ...waits(3), ...way(0.48, 0.7, 23)].map((y) => [at(1, 0.5, y)]);
    expect(crossingsOf(frames)).toMatchObject([{ direction: 'forward', time: expect.closeTo(5.4, 1) }]);
  });

  it('counts at the end what passed a moment before', () => {
    const [steady, counter] = [new SteadyObjects(ASPECT), new LineCounter([LINE], ASPECT)];
    const told = way(0.3, 0.53, 24).map((y, i) => counter.update(steady.update([at(1, 0.5, y)], i / 10), i / 10));
    expect(told.flat()).toEqual([]);
    expect(counter.end()).toMatchObject([{ direction: 'forward', time: expect.closeTo(2, 5) }]);
    expect(counter.end()).toEqual([]);
  });

  it('does not count an object that begins beyond the line', () => {
    expect(crossingsOf(way(0.53, 0.9, 30).map((y) => [at(1, 0.5, y)]))).toEqual([]);
  });

  it('counts each of two that follow each other', () => {
    const frames = Array.from({ length: 60 }, (_, i) => [at(1, 0.5, 0.3 + i / 100), at(2, 0.5, 0.15 + i / 100)]);
    expect(crossingsOf(frames).map(({ track }) => track)).toEqual([1, 2]);
  });
});
