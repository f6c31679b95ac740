import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LinkWindow } from '../../../contract/mqtt/link-window.ts';

const MESSAGE = 1100;
const EXPIRY_MS = 5000;

interface Link {
  /** Bytes a ms, from a moment on: [since, rate]. */
  readonly rates: readonly (readonly [number, number])[];
  readonly wayMs: number;
}

const rateAt = ({ rates }: Link, at: number): number => rates.findLast(([since]) => since <= at)?.[1] ?? 1000;

/** A link that queues without end and loses nothing, in steps of 10 ms; a message every `everyMs`. @returns ages at delivery, and how many had to be dropped */
function simulate(
  link: Link,
  everyMs: number,
  forMs: number,
  bytes = MESSAGE,
): { readonly ages: number[]; readonly dropped: number } {
  const window = new LinkWindow();
  const queue: { left: number; ping: boolean; at: number }[] = [];
  const answers: number[] = [];
  const ages: number[] = [];
  let [dropped, carried] = [0, 0];
  for (let now = 0; now < forMs; now += 10) {
    while (answers[0] !== undefined && answers[0] <= now) {
      answers.shift();
      window.confirmed(now);
    }
    if (now % everyMs === 0) {
      const late = now + window.expectedMs(bytes) > now + EXPIRY_MS;
      if (!late && window.admits(bytes)) {
        window.sent({ bytes, deadline: now + EXPIRY_MS });
        queue.push({ left: bytes, ping: false, at: now });
      } else dropped++;
    }
    if (window.wantsMark === 'soon' || (now % 200 === 0 && window.wantsMark === 'yes')) {
      window.marked(now);
      queue.push({ left: 60, ping: true, at: now });
    }
    carried += rateAt(link, now) * 10;
    while (queue[0] !== undefined && queue[0].left <= carried) {
      const { left, ping, at } = queue.shift() ?? { left: 0, ping: false, at: 0 };
      carried -= left;
      if (ping) answers.push(now + 2 * link.wayMs);
      else ages.push(now + link.wayMs - at);
    }
    if (queue.length === 0) carried = 0;
  }
  return { ages, dropped };
}

describe('the window of a link', () => {
  it('drops nothing on a link that keeps up, near or far', () => {
    for (const wayMs of [1, 30, 300]) {
      const { dropped, ages } = simulate({ rates: [[0, 1000]], wayMs }, 50, 60_000);
      expect(dropped / (dropped + ages.length)).toBeLessThan(wayMs > 100 ? 0.1 : 0.001);
    }
  });

  it('drops next to nothing on a near link, however large a message is', () => {
    for (let bytes = 300; bytes <= 9000; bytes += 100) {
      const { dropped, ages } = simulate({ rates: [[0, 1000]], wayMs: 1 }, 80, 60_000, bytes);
      expect([bytes, dropped / (dropped + ages.length)]).toEqual([bytes, expect.closeTo(0, 2)]);
    }
  });

  it('uses a thin link and delivers in time, also when it turns thin from one moment to the next', () => {
    const { ages } = simulate(
      {
        rates: [
          [0, 1000],
          [20_000, 2],
        ],
        wayMs: 20,
      },
      50,
      80_000,
    ); // 16 kbit/s
    const after = ages.slice(400);
    expect(Math.max(...ages)).toBeLessThan(EXPIRY_MS);
    expect((after.length * MESSAGE) / 60_000).toBeGreaterThan(1.5); // of 2 bytes a ms
  });

  it.each([
    { name: 'whatever a link of 16 kbit/s or more does', slowest: 2, farthest: 40 },
    { name: 'on a far link of 150 kbit/s or more', slowest: 20, farthest: 300 },
  ])('delivers before the expiry $name', ({ slowest, farthest }) => {
    const rate = fc.integer({ min: slowest, max: 2000 });
    const rates = fc.array(fc.tuple(fc.integer({ min: 0, max: 60_000 }), rate), { minLength: 1, maxLength: 8 });
    const way = fc.integer({ min: 1, max: farthest });
    fc.assert(
      fc.property(rates, way, fc.constantFrom(20, 100, 500), (steps, wayMs, everyMs) => {
        const sorted = steps.toSorted(([a], [b]) => a - b);
        const { ages } = simulate({ rates: sorted, wayMs }, everyMs, 70_000);
        expect(Math.max(0, ...ages)).toBeLessThan(EXPIRY_MS);
      }),
      { numRuns: 200 },
    );
  });

  it('knows what was under way when the connection ended', () => {
    const window = new LinkWindow();
    const lost: number[] = [];
    const send = (id: number, now: number): void =>
      window.sent({ bytes: 10, deadline: now + 5000, lost: () => lost.push(id) });
    send(1, 0);
    window.marked(1);
    send(2, 2);
    expect(window.deadline).toBe(5000);
    window.confirmed(3);
    expect(window.deadline).toBe(5002);
    expect(window.wantsMark).toBe('yes');
    window.reset();
    expect(lost).toEqual([2]);
    expect(window.bytes).toBe(0);
    window.confirmed(4); // an answer of the connection before
    expect(window.bytes).toBe(0);
  });
});
