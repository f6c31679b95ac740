import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  beginLife,
  deadlineOf,
  type Life,
  type LifeEvent,
  type Policy,
  step,
} from '../../../daemon/camera/lifecycle.ts';
import type { CameraReason } from '../../../daemon/camera/types.ts';

const policy: Policy = {
  stallMs: 3000,
  firstFrameMs: 10_000,
  backoff: { firstMs: 1000, longestMs: 30_000, resetAfterMs: 10_000, refusedMs: 60_000 },
};
const lost: CameraReason = { code: 'CAMERA_LOST', message: 'the camera ended the stream' };
const refused: CameraReason = { code: 'CAMERA_REFUSED', message: '401 Unauthorized' };

/** Follows events from the beginning. */
function following(...events: LifeEvent[]): Life {
  return events.reduce((life, event) => step(life, event, policy).life, beginLife(0).life);
}

const waitOf = (life: Life, from: number): number =>
  life.phase.kind === 'waiting' ? life.phase.until - from : expect.fail(`is ${life.phase.kind}`);

describe('the life of a decoder', () => {
  it('is live from the first frame on, and stalled when frames cease for the stall time', () => {
    const live = following({ kind: 'frame', at: 500 });
    expect(live.state).toBe('live');
    expect(deadlineOf(live, policy)).toBe(3500);
    expect(step(live, { kind: 'tick', at: 3499 }, policy)).toEqual({ life: live });
    const stalled = step(live, { kind: 'tick', at: 3500 }, policy);
    expect(stalled).toMatchObject({ action: 'kill', life: { state: 'stalled', reason: { code: 'CAMERA_LOST' } } });
  });

  it('starts the next decoder only when the killed one is gone', () => {
    const killed = following({ kind: 'frame', at: 0 }, { kind: 'tick', at: 3000 });
    expect(deadlineOf(killed, policy)).toBeUndefined();
    expect(step(killed, { kind: 'tick', at: 99_000 }, policy).action).toBeUndefined();
    const gone = step(killed, { kind: 'ended', at: 3010, reason: lost, jitter: 0.999 }, policy).life;
    expect(gone.state).toBe('stalled');
    expect(step(gone, { kind: 'tick', at: 4010 }, policy)).toMatchObject({
      action: 'start',
      life: { phase: { kind: 'starting' } },
    });
  });

  it('kills a decoder that grew too large, says why, and waits longer each time unless it lived long', () => {
    const grown = (at: number): LifeEvent => ({ kind: 'grown', at, message: 'the decoder grew' });
    const ended = (at: number): LifeEvent => ({ kind: 'ended', at, reason: lost, jitter: 0.999 });
    const live = following({ kind: 'frame', at: 0 });
    expect(step(live, grown(100), policy)).toMatchObject({
      action: 'kill',
      life: { state: 'connecting', reason: { code: 'CAMERA_LOST', message: 'the decoder grew' } },
    });
    const soon = following(
      { kind: 'frame', at: 0 },
      grown(1),
      ended(1),
      { kind: 'tick', at: 9000 },
      grown(9001),
      ended(9001),
    );
    expect([soon.failures, soon.reason?.message]).toEqual([2, 'the decoder grew']);
    const tick: LifeEvent = { kind: 'tick', at: 9000 };
    const late = following(grown(1), ended(1), tick, { kind: 'frame', at: 9100 }, grown(99_000), ended(99_000));
    expect(late.failures).toBe(1);
    expect(step(soon, grown(9002), policy)).toEqual({ life: soon });
  });

  it('gives up on a decoder that never delivers a first frame', () => {
    expect(step(beginLife(0).life, { kind: 'tick', at: 10_000 }, policy)).toMatchObject({
      action: 'kill',
      life: { state: 'connecting', reason: { message: 'no first frame within 10000 ms' } },
    });
  });

  it('is replaced at once, without a failure, where another decoder is wanted', () => {
    const behind: CameraReason = { code: 'CAMERA_BEHIND', message: 'late' };
    const live = following({ kind: 'frame', at: 0 });
    const replaced = step(live, { kind: 'replace', at: 9000, reason: behind }, policy);
    expect(replaced).toMatchObject({ action: 'kill', life: { state: 'connecting', reason: behind } });
    const gone = step(replaced.life, { kind: 'ended', at: 9010, reason: lost, jitter: 0.9 }, policy).life;
    expect([waitOf(gone, 9010), gone.failures, gone.reason]).toEqual([0, 0, behind]);
  });

  it('does not start a slow camera anew for ever: one frame in ten seconds, or in a minute', () => {
    for (const interval of [10_000, 35_000]) {
      let { life } = beginLife(0);
      let [now, next, starts] = [0, interval / 2, 1];
      const end = 40 * interval;
      while (now < end) {
        const due = deadlineOf(life, policy) ?? now;
        const running = life.phase.kind === 'starting' || life.phase.kind === 'live';
        now = running ? Math.min(next, due) : due;
        if (running && next <= due) next += interval;
        while (next <= now) next += interval;
        const event: LifeEvent = running && now < due ? { kind: 'frame', at: now } : { kind: 'tick', at: now };
        const result = step(life, event, policy);
        life = result.life;
        if (result.action === 'start') starts++;
        if (result.action === 'kill')
          life = step(life, { kind: 'ended', at: now, reason: lost, jitter: 0 }, policy).life;
      }
      expect(life.state, `${interval} ms`).toBe('live');
      expect(starts).toBeLessThanOrEqual(6);
    }
  });

  it('gives a camera that announces its rate three of its intervals from the first on', () => {
    const found = following({ kind: 'found', at: 4000, intervalMs: 10_000 });
    expect(deadlineOf(found, policy), 'the time to find it is not its first frame').toBe(4000 + 10_000 + 30_000);
    const live = step(found, { kind: 'frame', at: 12_000 }, policy).life;
    expect(deadlineOf(live, policy)).toBe(12_000 + 30_000);
  });

  it('forgets a pause of a quick camera', () => {
    let live = following({ kind: 'frame', at: 0 }, { kind: 'frame', at: 2900 });
    for (let at = 2900; at <= 12_900; at += 40) live = step(live, { kind: 'frame', at }, policy).life;
    expect(deadlineOf(live, policy)).toBe(12_900 + 3000 + (12_900 - 12_900));
  });

  it('tells a refusal from a loss, and retries it slowly', () => {
    const life = following({ kind: 'ended', at: 300, reason: refused, jitter: 0 });
    expect(life).toMatchObject({ state: 'refused', reason: refused });
    expect(waitOf(life, 300)).toBe(30_000);
  });

  it('doubles the waiting time within its limits, and begins anew after a stream that lived', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1, maxLength: 40 }),
        (jitters) => {
          let { life } = beginLife(0);
          let now = 0;
          jitters.forEach((jitter, i) => {
            life = step(life, { kind: 'ended', at: now, reason: lost, jitter }, policy).life;
            const whole = Math.min(30_000, 1000 * 2 ** i);
            const wait = waitOf(life, now);
            expect(wait).toBeGreaterThanOrEqual(Math.floor(whole / 2));
            expect(wait).toBeLessThanOrEqual(whole);
            now += wait;
            life = step(life, { kind: 'tick', at: now }, policy).life;
          });
          life = step(life, { kind: 'frame', at: now }, policy).life;
          const short = step(life, { kind: 'ended', at: now + 9000, reason: lost, jitter: 0 }, policy).life;
          const long = step(life, { kind: 'ended', at: now + 10_000, reason: lost, jitter: 0 }, policy).life;
          expect([short.failures, long.failures]).toEqual([jitters.length + 1, 1]);
        },
      ),
    );
  });

  it('never has two decoders, never acts after a stop, and always waits for something', () => {
    const event = fc.oneof(
      fc.record({ kind: fc.constant('frame' as const) }),
      fc.record({
        kind: fc.constant('ended' as const),
        reason: fc.constantFrom(lost, refused),
        jitter: fc.double({ min: 0, max: 0.999, noNaN: true }),
      }),
      fc.record({ kind: fc.constant('tick' as const) }),
      fc.record({ kind: fc.constant('stop' as const) }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(event, fc.nat(40_000)), { maxLength: 60 }), (events) => {
        let now = 0;
        let { life } = beginLife(now);
        let running = 1;
        let stopped = false;
        for (const [what, passed] of events) {
          now += passed;
          if (what.kind === 'ended' && running === 0) continue; // only a running decoder can end
          if (what.kind === 'ended') running--;
          const next = step(life, { ...what, at: now }, policy);
          if (next.action === 'start') running++;
          if (next.action === 'kill') expect(running).toBe(1);
          stopped ||= what.kind === 'stop';
          if (stopped && what.kind !== 'stop') expect(next.action).toBeUndefined();
          life = next.life;
          expect(running).toBeLessThanOrEqual(1);
          // nothing running and no timer would be a camera forgotten for ever
          if (!stopped && running === 0) expect(deadlineOf(life, policy)).toBeGreaterThan(0);
          if (stopped) expect(life.phase.kind).toBe(running === 1 ? 'stopping' : 'stopped');
        }
      }),
    );
  });
});
