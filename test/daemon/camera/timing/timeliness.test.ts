import { describe, expect, it } from 'vitest';
import { afterCalm, afterLag, type Effort, FULL_EFFORT } from '../../../../daemon/camera/timing/economy.ts';
import { Timeliness } from '../../../../daemon/camera/timing/timeliness.ts';

const LIMIT = 2000;

interface Simulated {
  readonly timeliness: Timeliness;
  /** Codes and economies, with when they came, in order of change. */
  readonly said: { readonly at: number; readonly code: string | undefined }[];
  readonly restarts: { readonly at: number; readonly economy: string; readonly clock: string }[];
  /** Largest true lag of a frame while nothing was said, ms. */
  readonly worstUnsaid: number;
  /** Largest difference between true and said lag, ms, where one was said. */
  readonly error: number;
}

/** A camera of 25 frames a second before a decoder that takes `costMs` for each frame, simulated: a restart drops what waits. */
function decode(options: {
  readonly lengthMs: number;
  readonly costMs: (economy: string) => number;
  readonly ptsOf?: (at: number) => number;
}): Simulated {
  const { lengthMs, costMs, ptsOf = (at) => at + 77_000 } = options;
  const timeliness = new Timeliness(LIMIT);
  const said: Simulated['said'] = [];
  const restarts: Simulated['restarts'] = [];
  let [free, worstUnsaid, error, startedAt] = [0, 0, 0, 0];
  for (let taken = 0; taken < lengthMs; taken += 40) {
    if (timeliness.economy === 'keyframes' && taken % 1000 !== 0) continue;
    if (taken < startedAt) continue; // lost with the connection
    const at = Math.max(free, taken + 30) + costMs(timeliness.economy);
    free = at;
    timeliness.received(at, ptsOf(taken));
    const concern = timeliness.concern(at);
    const lag = at - taken;
    if (concern === undefined) worstUnsaid = Math.max(worstUnsaid, lag);
    if (timeliness.lagMs !== null) error = Math.max(error, Math.abs(lag - timeliness.lagMs));
    if (concern?.code !== said.at(-1)?.code) said.push({ at, code: concern?.code });
    const before = timeliness.clock;
    if (timeliness.demand(at) === undefined) continue;
    timeliness.begin(timeliness.clock !== before);
    restarts.push({ at, economy: timeliness.economy, clock: timeliness.clock });
    free = at + 300;
    startedAt = free;
  }
  return { timeliness, said, restarts, worstUnsaid, error };
}

describe('a decoder that is slower than its camera', () => {
  it.each([42, 50, 80, 400])('is never 3 s behind without a word: %i ms a frame of 40 ms', (cost) => {
    const found = decode({ lengthMs: 600_000, costMs: () => cost });
    expect(found.worstUnsaid).toBeLessThan(3000);
    expect(found.restarts.length).toBeGreaterThan(0);
    expect(found.error, 'what one frame costs, and the least wait, cannot be seen').toBeLessThan(cost + 200);
    expect(found.said.every(({ code }) => code === undefined || code === 'CAMERA_BEHIND')).toBe(true);
  });

  it('is started anew, then asked for fewer frames, then for keyframes, and stays there while that is enough', () => {
    const found = decode({ lengthMs: 250_000, costMs: () => 80 });
    expect(found.restarts.map(({ economy }) => economy)).toEqual(['full', 'fewer', 'keyframes']);
    expect(found.timeliness.concern(250_000)).toMatchObject({
      code: 'CAMERA_BEHIND',
      message: expect.stringMatching(/keyframes only/) as string,
    });
  });

  it('is given all of it again when it has kept up for long, and tried more rarely the next time', () => {
    const found = decode({ lengthMs: 3_600_000, costMs: () => 80 });
    const calm = found.restarts.filter(
      ({ economy }, i) => economy === 'fewer' && found.restarts[i - 1]?.economy === 'keyframes',
    );
    expect(calm.length).toBeGreaterThan(1);
    const recovered = decode({ lengthMs: 1_200_000, costMs: (economy) => (economy === 'full' ? 10 : 10) });
    expect(recovered.restarts).toEqual([]);
  });

  it('that decodes a burst after a short pause is left alone', () => {
    const pause = (at: number): number => (at > 60_000 && at < 62_600 ? 62_600 - at : 0);
    const timeliness = new Timeliness(LIMIT);
    let free = 0;
    for (let taken = 0; taken < 120_000; taken += 40) {
      free = Math.max(free + 8, taken + 30 + pause(taken));
      timeliness.received(free, taken);
      expect(timeliness.demand(free)).toBeUndefined();
    }
  });
});

describe('less work', () => {
  const behindAt = (effort: Effort, ...times: readonly number[]): Effort => times.reduce(afterLag, effort);

  it('is not asked for at the first lag, nor at one long after', () => {
    expect(behindAt(FULL_EFFORT, 1000, 200_000).economy).toBe('full');
    expect(behindAt(FULL_EFFORT, 1000, 2000).economy).toBe('fewer');
  });

  it('is given up where it did not help: the decoder was not the cause', () => {
    const given = behindAt(FULL_EFFORT, 1000, 2000, 3000, 4000);
    expect(given).toMatchObject({ economy: 'full', futile: true });
    expect(behindAt(given, 5000, 6000, 7000)).toMatchObject({ economy: 'full', futile: true });
  });

  it('ends step by step', () => {
    const keyframes = behindAt(FULL_EFFORT, 1000, 2000, 3000);
    expect(afterCalm(keyframes, 3000 + keyframes.trialMs - 1)).toBeUndefined();
    const fewer = afterCalm(keyframes, 3000 + keyframes.trialMs);
    expect(fewer?.economy).toBe('fewer');
    expect(afterCalm(FULL_EFFORT, 1e9)).toBeUndefined();
  });
});

describe('timestamps that cannot be used', () => {
  it.each([
    ['stand still', () => 5],
    ['are missing', () => Number.NaN],
    ['move once a second', (at: number) => Math.floor(at / 1000) * 1000],
    ['creep', (at: number) => at / 20],
  ])('give way to the time of arrival when they %s', (_, ptsOf) => {
    const found = decode({ lengthMs: 60_000, costMs: () => 5, ptsOf });
    expect(found.restarts[0]).toMatchObject({ clock: 'arrival' });
    expect(found.restarts[0]?.at).toBeLessThan(5000);
    expect(found.restarts).toHaveLength(1);
    expect(found.timeliness.concern(60_000)).toMatchObject({ code: 'CAMERA_CLOCK' });
    expect(found.timeliness.lagMs).toBeNull();
  });

  it('give way when they run fast, and not when the camera sends seconds of the past at first', () => {
    const fast = decode({ lengthMs: 60_000, costMs: () => 5, ptsOf: (at) => at * 1.5 });
    expect(fast.restarts[0]).toMatchObject({ clock: 'arrival' });
    const timeliness = new Timeliness(LIMIT);
    for (let pts = 0, at = 0; pts < 100_000; pts += 40) {
      at = pts < 4000 ? at + 4 : Math.max(at, pts - 3000);
      timeliness.received(at, pts);
      expect(timeliness.demand(at)).toBeUndefined();
    }
  });

  it('are used at one frame in ten seconds, at 120 a second, and over a jump', () => {
    for (const [step, frames] of [
      [10_000, 50],
      [1000 / 120, 5000],
    ] as const) {
      const timeliness = new Timeliness(LIMIT);
      for (let i = 0; i < frames; i++) {
        timeliness.received(i * step, i * step + (i > frames / 2 ? 3_600_000 : 0));
        expect(timeliness.demand(i * step)).toBeUndefined();
      }
      expect(timeliness.clock).toBe('camera');
    }
  });

  it('are tried again at the next connection that was not made because of them', () => {
    const found = decode({ lengthMs: 10_000, costMs: () => 5, ptsOf: () => 5 });
    expect(found.timeliness.clock).toBe('arrival');
    found.timeliness.begin(false);
    expect(found.timeliness.clock).toBe('camera');
    expect(found.timeliness.concern(10_000)).toBeUndefined();
  });
});
