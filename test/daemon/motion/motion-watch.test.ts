import { describe, expect, it } from 'vitest';
import { MotionWatch, type Proposal } from '../../../daemon/motion/motion-watch.ts';
import { intersectionOverUnion } from '../../../inference/heads/detection.ts';
import type { Box } from '../../../inference/image.ts';
import { type FlatThing, streetOf } from '../../support/moving-things.ts';

type Looks = NonNullable<Parameters<ReturnType<typeof streetOf>>[0]>;

const STEP = 0.1;

/** Looks at a street every `step` seconds. */
function watch(seed = 1, step = STEP) {
  const street = streetOf(seed);
  const motion = new MotionWatch();
  let time = 0;
  return (seconds: number, looks: (elapsed: number) => Looks = () => ({})): Proposal[][] =>
    Array.from({ length: Math.round(seconds / step) }, (_, i) => {
      time += step;
      return motion.update(street(looks(i * step)), time);
    });
}

const car = (x: number, grey = 210): FlatThing => ({ box: [x, 0.5, 0.16, 0.14], grey });
const finds = (proposals: readonly Proposal[], box: Box): boolean =>
  proposals.some((each) => intersectionOverUnion(each.box, box) > 0.5);

describe('motion proposals', () => {
  it('propose what drives through, brighter or darker than the street, and nothing else', () => {
    for (const grey of [215, 25]) {
      const look = watch();
      look(5);
      const seen = look(3, (t) => ({ things: [car(0.1 + 0.2 * t, grey)] })).slice(2);
      expect(seen.filter((each, i) => !finds(each, car(0.1 + 0.2 * (i + 2) * STEP).box))).toHaveLength(0);
      expect(Math.max(...seen.map((each) => each.length))).toBe(1);
    }
  });

  it('propose nothing on an empty street: noise, snow, a cloud, a mast that sways', () => {
    const look = watch();
    look(5);
    expect(look(4).flat()).toHaveLength(0);
    expect(look(4, () => ({ specks: 0.01 })).flat()).toHaveLength(0);
    expect(look(6, (t) => ({ light: 1 - 0.3 * Math.sin(t) })).flat()).toHaveLength(0);
    const sway = (t: number) => ({ shift: [1.7 * Math.sin(9 * t), 1.2 * Math.cos(7 * t)] as const });
    expect(look(4, sway).flat()).toHaveLength(0);
  });

  it('find what drives through while the camera sways, and say where it is on the image as it came', () => {
    const look = watch();
    look(5);
    const shift = (t: number) => [2.5 * Math.sin(9 * t), 1.5 * Math.cos(7 * t)] as const;
    const seen = look(3, (t) => ({ shift: shift(t), things: [car(0.1 + 0.2 * t)] }));
    const missed = seen.slice(2).filter((each, i) => {
      const t = (i + 2) * STEP;
      const [x, y, w, h] = car(0.1 + 0.2 * t).box;
      return !finds(each, [x + shift(t)[0] / 240, y + shift(t)[1] / 136, w, h]);
    });
    expect(missed).toHaveLength(0);
  });

  it('leave a shadow out of the box of what casts it', () => {
    const look = watch();
    look(5);
    const shade = (x: number): FlatThing => ({ box: [x + 0.16, 0.54, 0.12, 0.1], grey: 0, dims: 0.7 });
    const seen = look(2, (t) => ({ things: [car(0.1 + 0.2 * t), shade(0.1 + 0.2 * t)] })).slice(2);
    const whole = seen.filter((each, i) => !finds(each, car(0.1 + 0.2 * (i + 2) * STEP).box));
    expect(whole.length).toBeLessThanOrEqual(2);
  });

  it('part people who walk side by side, and keep a head with its coat', () => {
    const look = watch();
    look(5);
    const person = (x: number): FlatThing[] => [
      { box: [x, 0.5, 0.025, 0.05], grey: 230 },
      { box: [x, 0.56, 0.03, 0.1], grey: 20 },
    ];
    const seen = look(2, (t) => ({ things: [...person(0.2 + 0.1 * t), ...person(0.26 + 0.1 * t)] })).slice(3);
    expect(seen.filter(({ length }) => length === 2).length).toBeGreaterThan(0.8 * seen.length);
  });

  it('propose what stops for a while, until it is part of the street, and nothing where it stood when it goes', () => {
    const look = watch(1, 0.5);
    look(40);
    const stopped = look(60, () => ({ things: [car(0.4)] }));
    expect(finds(stopped[20] ?? [], car(0.4).box)).toBe(true);
    expect(finds(stopped.at(-1) ?? [], car(0.4).box)).toBe(false);
    expect(look(5).slice(4).flat()).toHaveLength(0);
  });

  it('forget within seconds what stood there at the start and drove away', () => {
    const look = watch();
    look(10, () => ({ things: [car(0.4)] }));
    const left = look(8);
    expect(left.slice(60).flat()).toHaveLength(0);
  });

  it('begin anew where the view is another', () => {
    const motion = new MotionWatch();
    const [here, there] = [streetOf(1), streetOf(2)];
    for (let i = 0; i < 50; i++) motion.update(here(), i * STEP);
    for (let i = 50; i < 80; i++) motion.update(there(), i * STEP);
    const later = Array.from({ length: 40 }, (_, i) => motion.update(there(), (80 + i) * STEP));
    expect(later.flat()).toHaveLength(0);
  });
});
