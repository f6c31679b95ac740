import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellsOf, rolloutLine, rolloutScreen } from '../../cli/rollout-screen.ts';
import type { RolloutSummary } from '../../deploy/rollout/summary.ts';
import { AT, rolloutOf } from '../deploy/rollout/made-up-box.ts';

const NONE = { asked: 0, working: 0, proving: 0, succeeded: 0, failed: 0, silent: 0 };
const summary: RolloutSummary = {
  site: 'north',
  rollout: rolloutOf({
    state: 'stopped',
    reason: { code: 'ROLLOUT_FAILURES', message: 'wave 5%: 2 of 9 boxes failed' },
  }),
  driver: 'operator@desk',
  boxesKnown: 200,
  waves: [
    { name: 'canary', boxes: 1, standing: { ...NONE, succeeded: 1 } },
    { name: '5%', boxes: 9, standing: { ...NONE, succeeded: 4, working: 3, failed: 2 } },
  ],
  troubled: [{ box: 'box-7', standing: 'failed', reason: 'TRIAL_SLOWER: the candidate is slower than tolerated' }],
  atIt: [{ box: 'box-9', state: 'shadow', progress: 0.5 }],
};

describe('the view of a rollout', () => {
  it('shows each wave, how its boxes stand, who is in trouble and why', () => {
    const text = rolloutScreen(summary, AT + 300_000, (_style, each) => each).join('\n');
    expect(text).toBe(`vehicles 2 on north, 200 boxes  stopped: wave 5%: 2 of 9 boxes failed
vehicles-2-abc, begun by operator@desk 5 min ago, driven by operator@desk

  canary  ████████████████████████████████         1/1  1 succeeded
  5%      ███████████████▒▒▒▒▒▒▒▒▒▒███████         4/9  4 succeeded, 3 at it, 2 failed
  25%     ································
  all     ································

  box-9  shadow 50 %

  box-7  TRIAL_SLOWER: the candidate is slower than tolerated`);
    expect(rolloutLine(summary)).toBe('vehicles 2 stopped: canary 1/1, 5% 4/9 (2 failed)');
  });

  it('fills a bar exactly, and hides no standing however few boxes have it', () => {
    const standing = fc.record({
      asked: fc.nat(2000),
      working: fc.nat(2000),
      proving: fc.nat(3),
      succeeded: fc.nat(2000),
      failed: fc.nat(3),
      silent: fc.nat(2000),
    });
    fc.assert(
      fc.property(standing, (each) => {
        const cells = cellsOf(each);
        const boxes = Object.values(each).reduce((sum, count) => sum + count, 0);
        expect([...cells.values()].reduce((sum, count) => sum + count, 0)).toBe(boxes === 0 ? 0 : 32);
        for (const [name, count] of Object.entries(each))
          if (count > 0) expect(cells.get(name as keyof typeof each)).toBeGreaterThan(0);
      }),
    );
  });
});
