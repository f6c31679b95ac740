import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ModelDesiredMessage } from '../../../contract/messages/model-desired.ts';
import { inTurn } from '../../../deploy/agent/turn.ts';
import { jobBody, OfficeVoice } from '../../../deploy/rollout/jobs.ts';

const AT = Date.parse('2026-03-01T12:00:00.000Z');
const voice = new OfficeVoice();

function job(changes: Partial<ModelDesiredMessage> = {}): ModelDesiredMessage {
  const order = { job: 7, action: 'install', unknownAt: undefined, byGroup: true, spreadSeconds: 1000 } as const;
  const body = jobBody({ id: 'vehicles-2-abc', model: { name: 'vehicles', version: '2' } }, order);
  return { ...voice.compose('a', 'model-desired', body, AT), ...changes };
}
const startOf = (message: ModelDesiredMessage): number => Date.parse(message.notBefore ?? '');
const BOXES = Array.from({ length: 2000 }, (_, index) => `box-${index}`);

it('2,000 boxes begin evenly within the window: never more than a few in one second', () => {
  const perSecond = new Map<number, number>();
  for (const box of BOXES) {
    const second = Math.floor((startOf(inTurn(job(), box, AT)) - AT) / 1000);
    perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
  }
  expect([Math.min(...perSecond.keys()), Math.max(...perSecond.keys())]).toEqual([0, 999]);
  // Poisson with mean 2: more than 11 in any of 1,000 seconds come in one of a thousand rollouts.
  expect(Math.max(...perSecond.values())).toBeLessThanOrEqual(11);
  const firstHalf = [...perSecond].reduce((sum, [second, count]) => sum + (second < 500 ? count : 0), 0);
  expect(Math.abs(firstHalf - 1000), 'within three deviations of a half').toBeLessThan(3 * Math.sqrt(500));
});

it('a box has the same moment whenever it is asked, counted from when it hears, and another one in the next rollout', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 0, max: 1e9 }), (box, later) => {
      const first = startOf(inTurn(job(), box, AT));
      expect(startOf(inTurn(job(), box, AT + later)) - later).toBe(first);
      expect(first).toBeGreaterThanOrEqual(AT);
      expect(first).toBeLessThan(AT + 1_000_000);
    }),
  );
  const moments = ['vehicles-2-abc', 'vehicles-3-def'].map((rollout) => startOf(inTurn(job({ rollout }), 'box-1', AT)));
  expect(moments[0]).not.toBe(moments[1]);
});

it('the window begins when the job may, and what is taken back or has no window does not wait', () => {
  const opens = AT + 3_600_000;
  const notBefore = new Date(opens).toISOString();
  const own = startOf(inTurn(job(), 'box-1', AT)) - AT;
  expect(startOf(inTurn(job({ notBefore }), 'box-1', AT))).toBe(opens + own);
  const back = job({ action: 'roll-back' });
  expect(inTurn(back, 'box-1', AT)).toBe(back);
  const { spreadSeconds: _window, ...plain } = job();
  expect(inTurn(plain, 'box-1', AT)).toBe(plain);
});
