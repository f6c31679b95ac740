import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../core/random.ts';
import { type CountedCrossing, MissWatch } from '../../../daemon/audit/miss-watch.ts';
import { MotionCounter, type MotionCrossing } from '../../../daemon/audit/motion-counter.ts';
import type { Box } from '../../../inference/image.ts';
import { streetOf } from '../../support/moving-things.ts';

const [LANE, AWAY]: readonly Box[] = [
  [0.4, 0.5, 0.2, 0.2],
  [0, 0, 0.1, 0.1],
];

const counted = (time: number, name = 'car'): CountedCrossing => {
  return { line: 'stop', direction: 'forward', time, along: 0.5, class: name };
};
const moved = (time: number, side = 0.2): MotionCrossing => {
  return { line: 'stop', direction: 'forward', time, along: 0.5, size: [side, side], frames: 9, box: LANE! };
};

interface Street {
  readonly crossings: number;
  /** Shares. */
  readonly missed: number;
  readonly found: number;
  readonly brightness?: number;
  /** s. */
  readonly apart?: number;
}

/** Crossings of a street on which one way of seeing knows nothing of the other. */
function watched({ crossings, missed, found, brightness = 120, apart = 10 }: Street): MissWatch {
  const random = seededRandom(5);
  const watch = new MissWatch();
  for (let i = 1; i <= crossings; i++) {
    const time = apart * i;
    const isCounted = random.next() >= missed;
    const isFound = random.next() < found;
    watch.add(time, brightness, {
      counted: isCounted ? [counted(time)] : [],
      boxes: [isCounted ? LANE! : AWAY!],
      found: isFound ? [moved(time + 0.6, 0.1 + 0.2 * random.next())] : [],
    });
  }
  watch.end();
  return watch;
}

describe('misses by what motion finds besides', () => {
  it('are the share that the model does not see, where the two ways know nothing of each other', () => {
    for (const missed of [0.05, 0.2]) {
      const { all, light } = watched({ crossings: 3000, missed, found: 0.4 }).misses()!;
      expect(Math.abs(all.missRate - missed)).toBeLessThan(0.02);
      expect(all.low).toBeLessThan(missed);
      expect(all.high).toBeGreaterThan(missed);
      expect([light, all.bound]).toEqual(['bright', 'both']);
    }
  });

  it('allow for what motion finds that has not crossed: as few as it errs by are none for certain', () => {
    expect(watched({ crossings: 3000, missed: 0.03, found: 0.4 }).misses()?.all.low).toBe(0);
    expect(watched({ crossings: 3000, missed: 0.2, found: 0.4 }).misses()?.all.low).toBeGreaterThan(0.12);
  });

  it('are a lower bound in the dark, and where several cross together', () => {
    const dark = watched({ crossings: 3000, missed: 0.1, found: 0.4, brightness: 30 }).misses()!;
    expect([dark.light, dark.all.bound]).toEqual(['dark', 'lower']);
    expect(watched({ crossings: 3000, missed: 0.1, found: 0.4, apart: 0.8 }).misses()?.all.bound).toBe('lower');
  });

  it('do not hold parts of one vehicle for two', () => {
    const watch = new MissWatch();
    for (let time = 10; time < 1000; time += 10)
      watch.add(time, 120, { counted: [counted(time)], boxes: [AWAY!], found: [moved(time - 0.4), moved(time + 0.3)] });
    watch.end();
    expect(watch.misses()?.all).toMatchObject({ missRate: 0, captured: 99 });
  });

  it('do not take for missed what the model sees and counts elsewhere', () => {
    const watch = new MissWatch();
    for (let time = 10; time < 1000; time += 10)
      watch.add(time, 120, { counted: [], boxes: [LANE!], found: [moved(time)] });
    watch.end();
    expect(watch.misses()?.all).toMatchObject({ captured: 99, low: 0 });
    expect(watch.misses()?.all.missRate).toBeLessThan(0.02);
  });

  it('are told by class: what was missed has the class that its size is most like', () => {
    const watch = new MissWatch();
    for (let i = 1; i <= 100; i++) {
      const [time, isBus, isMissed] = [10 * i, i % 2 === 0, i % 10 === 0];
      const side = isBus ? 0.4 : 0.15;
      watch.add(time, 120, {
        counted: isMissed ? [] : [counted(time, isBus ? 'bus' : 'car')],
        boxes: [],
        found: [moved(time, side)],
      });
    }
    watch.end();
    const { classes } = watch.misses()!;
    expect(classes['bus']?.missRate).toBeCloseTo(0.2, 1);
    expect(classes['car']?.missRate).toBeLessThan(0.05);
  });

  it('are not known while nothing moved', () => {
    expect(watched({ crossings: 50, missed: 0.1, found: 0 }).misses()).toBeNull();
  });
});

describe('crossings found by motion', () => {
  it('are those of what drives over a line, once each, by direction; nothing of what stands or sways', () => {
    const street = streetOf(3);
    const counter = new MotionCounter([{ id: 'middle', from: [0.5, 0.9], to: [0.5, 0.2] }], 240 / 136);
    const found: MotionCrossing[] = [];
    for (let i = 0; i < 160; i++) {
      const t = i / 10;
      const at = t < 5 ? undefined : t < 9 ? 0.1 + 0.2 * (t - 5) : 0.9 - 0.2 * (t - 10);
      const things = at === undefined || at > 0.84 || at < 0 ? [] : [{ box: [at, 0.5, 0.16, 0.14] as Box, grey: 215 }];
      found.push(...counter.update(street({ things, shift: [Math.sin(3 * t), 0] }), t));
    }
    expect(found.map(({ direction }) => direction)).toEqual(['forward', 'backward']);
    expect(found[0]?.time).toBeCloseTo(5 + (0.5 - 0.08 - 0.1) / 0.2, 0);
  });
});
