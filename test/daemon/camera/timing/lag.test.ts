import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../core/random.ts';
import { DriftEstimator, LARGEST_DRIFT_PPM } from '../../../../daemon/camera/timing/drift.ts';
import { LagMeter } from '../../../../daemon/camera/timing/lag.ts';

const SECOND = 1000;
const HOUR = 3600 * SECOND;

interface Stream {
  readonly meter?: LagMeter;
  readonly lengthMs: number;
  readonly fps?: number;
  /** ppm that the camera's clock is slow against ours, at a time. */
  readonly ppm?: (at: number) => number;
  /** ms that a frame waits beyond the usual, by when the camera took it. */
  readonly backlog?: (at: number) => number;
  /** What the camera adds to its own time. */
  readonly jump?: (at: number) => number;
  /** Mean of an exponential delay of the network, ms. */
  readonly jitterMs?: number;
}

/** Simulates frames; answers the largest error of what the meter says, and the last lag. */
function simulate({ meter = new LagMeter(), lengthMs, fps = 1, ...stream }: Stream): { error: number; said: number } {
  const { ppm = () => 0, backlog = () => 0, jump = () => 0, jitterMs = 8 } = stream;
  const random = seededRandom(7);
  let [error, said, clock, arrived] = [0, 0, 5e8, 0];
  for (let at = 0; at < lengthMs; at += SECOND / fps) {
    clock += (SECOND / fps) * (1 - ppm(at) / 1e6);
    const jitter = -jitterMs * Math.log(1 - random.next());
    arrived = Math.max(arrived, at + 40 + jitter + backlog(at));
    said = meter.add(arrived, clock + jump(at));
    if (at > 30 * SECOND) error = Math.max(error, Math.abs(said - (arrived - at - 40)));
  }
  return { error, said };
}

describe('the lag of a camera', () => {
  it.each([0, 20, -20, 200, -200, LARGEST_DRIFT_PPM, -LARGEST_DRIFT_PPM])(
    'is not made of drift: a clock off by %i ppm for 24 hours',
    (ppm) => {
      expect(simulate({ lengthMs: 24 * HOUR, ppm: () => ppm }).error).toBeLessThan(300);
    },
  );

  it('follows a clock that drifts with the temperature of the day', () => {
    const ppm = (at: number): number => 100 + 20 * Math.sin((2 * Math.PI * at) / (24 * HOUR));
    expect(simulate({ lengthMs: 48 * HOUR, ppm }).error).toBeLessThan(300);
  });

  it.each([0.01, 0.05, 0.5, 0.95])('is a backlog that grows by %f of the time, whatever the clock drifts', (share) => {
    for (const ppm of [-500, 0, 500]) {
      const found = simulate({ lengthMs: (3 * SECOND) / share, fps: 5, ppm: () => ppm, backlog: (at) => at * share });
      expect(found.error).toBeLessThan(250);
      expect(found.said).toBeGreaterThan(2750);
    }
  });

  it('is seen of the second frame already, where the first had no time and the second came later than it was taken', () => {
    const meter = new LagMeter();
    meter.first(5000);
    expect(meter.add(6400, 300)).toBeCloseTo(1100, 0);
    expect(meter.add(6500, 1500)).toBe(0);
    const other = new LagMeter();
    other.first(5000);
    expect(other.add(5100, 700)).toBe(0); // the first had waited for longer than the second
  });

  it('is still seen after an hour of the same backlog, and is gone when the backlog is', () => {
    const steady = (at: number): number => (at < HOUR ? 0 : at < 2 * HOUR ? 1500 : 0);
    expect(simulate({ lengthMs: 3 * HOUR, ppm: () => 150, backlog: steady }).error).toBeLessThan(200);
  });

  it('survives a clock that is set back, ahead, or wraps around at 32 bits of 90 kHz', () => {
    for (const by of [-HOUR, -(2 ** 32) / 90]) {
      const jump = (at: number): number => (at > 600 * SECOND ? by : 0);
      expect(simulate({ lengthMs: 1200 * SECOND, jump }).error).toBeLessThan(150);
    }
    const ahead = simulate({ lengthMs: 1200 * SECOND, jump: (at) => (at > 600 * SECOND ? HOUR : 0) });
    expect(ahead.error, 'what lies below the baseline is the new baseline').toBeLessThan(150);
  });

  it('keeps a backlog over a jump back', () => {
    const backlog = (at: number): number => (at > 300 * SECOND ? 1500 : 0);
    const jump = (at: number): number => (at > 600 * SECOND ? -HOUR : 0);
    expect(simulate({ lengthMs: 900 * SECOND, backlog, jump }).error).toBeLessThan(200);
  });

  it('is the length of a pause right after it, and nothing once it is made up for', () => {
    const paused = (at: number): number => (at > 60_000 && at < 62_500 ? 62_500 - at : 0);
    expect(simulate({ lengthMs: 90_000, fps: 25, backlog: paused }).error).toBeLessThan(100);
  });

  it('stays below what jitter makes, for any jitter', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 60 }), fc.integer({ min: -300, max: 300 }), (jitterMs, ppm) => {
        expect(simulate({ lengthMs: HOUR / 2, fps: 5, jitterMs, ppm: () => ppm }).error).toBeLessThan(
          120 + 3 * jitterMs,
        );
      }),
      { numRuns: 20 },
    );
  });
});

describe('the drift of a clock', () => {
  it('is found within minutes, in spite of jitter', () => {
    const drift = new DriftEstimator();
    simulate({ meter: new LagMeter(drift), lengthMs: 600 * SECOND, fps: 5, ppm: () => 200 });
    expect(drift.ppm).toBeGreaterThan(170);
    expect(drift.ppm).toBeLessThan(230);
  });

  it('is remembered over connections, and not learnt from backlogs', () => {
    const drift = new DriftEstimator();
    simulate({ meter: new LagMeter(drift), lengthMs: HOUR, ppm: () => 200 });
    for (let restart = 0; restart < 20; restart++) {
      simulate({ meter: new LagMeter(drift), lengthMs: 60_000, fps: 5, ppm: () => 200, backlog: (at) => at * 0.05 });
    }
    expect(Math.abs(drift.ppm - 200)).toBeLessThan(20);
  });
});
