import { expect, it } from 'vitest';
import { MotionCounter } from '../../../daemon/audit/motion-counter.ts';
import type { Line } from '../../../daemon/vision/line-counter.ts';
import { streetOf } from '../../support/moving-things.ts';

const STEP = 0.1;

const line: Line = { id: 'middle', from: [0.5, 0.2], to: [0.5, 0.95] };

/** What is counted of a car that drives over a line, once the street is known, while the camera sways by so many pixels. */
function crossingsWhere(sway: number) {
  const street = streetOf(1);
  const counter = new MotionCounter([line], 240 / 136);
  const shift = (t: number) => [sway * Math.sin(9 * t), sway * Math.cos(7 * t)] as const;
  return Array.from({ length: 240 }, (_, i) => {
    const t = i * STEP;
    const x = 0.1 + 0.12 * (t - 16);
    const things = t < 16 ? [] : [{ box: [x, 0.5, 0.16, 0.14] as const, grey: 210 }];
    return counter.update(street({ shift: shift(t), things }), t + STEP);
  }).flat();
}

it('counts what drives over a line, once', () => {
  expect(crossingsWhere(0)).toHaveLength(1);
});

it('says nothing while the camera sways: what is still seems to move', () => {
  expect(crossingsWhere(2.5)).toHaveLength(0);
});
