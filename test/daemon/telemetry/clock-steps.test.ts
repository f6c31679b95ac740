import { describe, expect, it } from 'vitest';
import { ClockSteps } from '../../../daemon/telemetry/clock-steps.ts';

describe('a clock that is set', () => {
  let [wall, monotonic, delay] = [0, 0, 0];
  const steps = (): ClockSteps => {
    [wall, monotonic, delay] = [1000, 0, 0];
    return new ClockSteps({
      wall: () => wall,
      monotonic: () => {
        monotonic += delay;
        return monotonic;
      },
    });
  };
  const pass = (ms: number, rate = 1): void => {
    monotonic += ms;
    wall += ms * rate;
  };

  it('is seen once a step, with its size and direction', () => {
    const clock = steps();
    pass(500);
    wall += 3_600_000;
    expect(clock.look()).toBe(3_600_000);
    pass(500);
    expect(clock.look()).toBeUndefined();
    wall -= 250;
    expect(clock.look()).toBe(-250);
    expect(clock.seen).toEqual({ count: 2, lastMs: -250 });
  });

  it('is not what slewing does, in a day', () => {
    const clock = steps();
    for (let at = 0; at < 86_400; at += 0.5) {
      pass(500, 1.0005);
      clock.look();
    }
    expect(clock.seen).toEqual({ count: 0, lastMs: null });
  });

  it('is no conclusion from readings too far apart, and none is lost', () => {
    const clock = steps();
    delay = 200;
    wall += 200;
    expect(clock.look()).toBeUndefined();
    delay = 0;
    wall += 200; // the second reading of the monotonic clock
    expect(clock.look()).toBeUndefined();
    delay = 200;
    wall += 5000;
    expect(clock.look()).toBeUndefined();
    delay = 0;
    wall += 400;
    expect(clock.look()).toBe(5000);
  });
});
