import { describe, expect, it } from 'vitest';
import { StartLag } from '../../../../daemon/camera/timing/start.ts';
import { Timeliness } from '../../../../daemon/camera/timing/timeliness.ts';

const [LIMIT, FRAME] = [2000, 40];

interface Start {
  /** When the first frame leaves the decoder, ms since its start; the camera sends from 200 ms on. */
  readonly firstAt: number;
  /** What the decoder takes for a frame. */
  readonly costMs: number;
}

/** A camera of 25 frames a second and a decoder that comes late: what was said of its frames, and how late they truly were. */
function start({ firstAt, costMs }: Start): { worstUnsaid: number; saidAt: number[]; restarts: number } {
  const timeliness = new Timeliness(LIMIT);
  timeliness.begin(false);
  timeliness.started(0, 0);
  const found = { worstUnsaid: 0, saidAt: [] as number[], restarts: 0 };
  let free = firstAt;
  for (let taken = 200; taken < 10_000; taken += FRAME) {
    const at = Math.max(free, taken + 30) + costMs;
    free = at;
    timeliness.received(at, taken === 200 ? undefined : taken - 200); // the time of the first is lost
    if (timeliness.concern(at) === undefined) found.worstUnsaid = Math.max(found.worstUnsaid, at - taken);
    else found.saidAt.push(at);
    if (timeliness.demand(at) !== undefined) found.restarts++;
  }
  return found;
}

describe('a decoder that comes late to its first frame', () => {
  it('is said to be late while it works off what waited, and no longer when it has', () => {
    const found = start({ firstAt: 3000, costMs: 20 });
    expect(found.saidAt.length).toBeGreaterThan(0);
    expect(found.worstUnsaid, 'what is neither late nor said').toBeLessThan(0.7 * LIMIT + 500 + FRAME);
    expect(Math.max(...found.saidAt)).toBeLessThan(8000);
  });

  it('is said to be late from the first frames on where it never catches up', () => {
    const found = start({ firstAt: 2900, costMs: 55 });
    expect(found.worstUnsaid, 'not even the first').toBe(0);
  });

  it('is not started anew for it: what took long may have been the start alone', () => {
    expect(start({ firstAt: 3000, costMs: 20 }).restarts).toBe(0);
  });

  it('is not spoken of where it starts as decoders do', () => {
    expect(start({ firstAt: 500, costMs: 10 }).saidAt).toEqual([]);
  });
});

describe('what may have waited before the first frame', () => {
  const even = (lag: StartLag, from: number, to: number, offset: number): void => {
    for (let at = from; at < to; at += FRAME) lag.add(at, at - offset);
  };

  it('is nothing once frames have come evenly, whatever the start took', () => {
    const lag = new StartLag(1000, 0);
    expect(lag.possibleMs).toBe(0);
    even(lag, 5000, 6000, 4500);
    expect(lag.possibleMs).toBe(3200);
    even(lag, 6000, 9000, 4500);
    expect(lag.possibleMs).toBe(0);
  });

  it('is taken back when the time of the second frame says that the first keyframe was waited for', () => {
    const lag = new StartLag(0, 0);
    lag.first(8100);
    expect(lag.possibleMs).toBe(7800);
    lag.add(8140, 8040);
    expect(lag.possibleMs).toBe(0);
  });

  it('leaves out the time that the camera takes to answer', () => {
    const lag = new StartLag(1000, 3500);
    even(lag, 5000, 6000, 4500);
    expect(lag.possibleMs).toBe(0);
  });
});
