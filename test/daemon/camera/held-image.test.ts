import { describe, expect, it } from 'vitest';
import { HeldImage } from '../../../daemon/camera/held-image.ts';

const frame = (value: number, width = 2) => ({ width, height: 1, data: new Uint8Array(3 * width).fill(value) });

describe('an image that is held', () => {
  const shown = (held: HeldImage, at: number, value: number, width?: number): number | undefined => {
    const each = frame(value, width);
    held.over(at, each);
    expect(new Set(each.data).size).toBe(1);
    return each.data[0];
  };

  it('is what came first, until it is let go, in memory of its own', () => {
    const held = new HeldImage();
    expect(shown(held, 0, 1)).toBe(1);
    held.hold(10, 1000);
    const first = frame(2);
    held.over(11, first);
    first.data.fill(9); // its taker gave it back, and the decoder filled it again
    expect([shown(held, 12, 3), shown(held, 13, 4)]).toEqual([2, 2]);
    held.release();
    expect(shown(held, 14, 5)).toBe(5);
    held.hold(20, 1000);
    expect([shown(held, 21, 6), shown(held, 22, 7)]).toEqual([6, 6]); // nothing of the last time
  });

  it('goes on by itself, and follows a camera that changes its size', () => {
    const held = new HeldImage();
    held.hold(0, 100);
    expect([shown(held, 1, 1), shown(held, 2, 2, 4), shown(held, 3, 3, 4), shown(held, 100, 4, 4)]).toEqual([
      1, 2, 2, 4,
    ]);
  });
});
