import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plan, type Step } from '../../../deploy/agent/planner.ts';
import type { Situation } from '../../../deploy/agent/situation.ts';
import { slotRecord } from '../../../deploy/store/records.ts';
import { TRIAL_REASONS } from '../../../deploy/trial/reasons.ts';
import { bad, bundle, runsNothing, served, situation, slot, trusted, wanted } from '../../support/situations.ts';

const unusable2 = { unusable: runsNothing('SIGNATURE_MISSING', '2').unusable };

describe('the planner, whatever it is given', () => {
  const record = (name: 'A' | 'B') =>
    fc.option(
      fc
        .record({
          condition: fc.constantFrom(...slotRecord.shape.condition.options),
          version: fc.constantFrom('1', '2'),
          job: fc.constantFrom(0, 7),
          reason: fc.constantFrom(undefined, ...(Object.keys(TRIAL_REASONS) as (keyof typeof TRIAL_REASONS)[])),
        })
        .map(({ condition, version, job, reason }) =>
          slot(name, version, condition, { job, ...(reason && { reason }) }),
        ),
      { nil: undefined },
    );
  const rulings = fc.constantFrom<NonNullable<Situation['trial']>['ruling']>(
    undefined,
    { step: 'take-over' },
    { step: 'interrupted' },
    { step: 'promote', reason: 'TRIAL_PROMOTED' },
    { step: 'roll-back', reason: 'TRIAL_SLOWER' },
    { step: 'roll-back', reason: 'TRIAL_NO_FRAMES' },
  );
  const anySituation = fc
    .record({
      a: record('A'),
      b: record('B'),
      asked: fc.option(
        fc.record({
          job: fc.constantFrom(0, 7),
          version: fc.constantFrom('1', '2'),
          action: fc.constantFrom('install' as const, 'roll-back' as const),
        }),
        { nil: undefined },
      ),
      target: fc.constantFrom(undefined, trusted(), trusted({ package: undefined }), {
        refused: { code: 'X', message: '' },
      }),
      downloaded: fc.constantFrom(undefined, bundle),
      daemon: fc.constantFrom(
        ...[undefined, served('1'), served('2'), served('2', 0), { ...served('1'), ...unusable2 }],
        ...[runsNothing(''), runsNothing('GOLDEN_MISMATCH', '1'), runsNothing('PACKAGE_INVALID', '0', '1', '2')],
      ),
      trial: fc.option(
        fc.record({
          slot: fc.constantFrom('A' as const, 'B' as const),
          phase: fc.constantFrom('loading' as const, 'shadow' as const),
          ruling: rulings,
        }),
        { nil: undefined },
      ),
      promoteWithoutTrial: fc.boolean(),
      freeBytes: fc.constantFrom(10, 1e9),
      windowOpensAt: fc.constantFrom(1000, 2000),
      known: fc.boolean(),
      factory: fc.boolean(),
    })
    .map(({ a, b, asked, known, factory, ...rest }) => {
      const installed = ([a, b] as const)
        .filter((each) => each?.condition === 'good')
        .map((each) => ({ place: each!.slot, version: each!.model?.version, digest: each!.model?.digest }));
      const change = {
        ...rest,
        wanted: asked && wanted(asked),
        installed: [...installed, ...(factory ? [situation().installed[1]!] : [])],
      };
      return situation(change, { slots: { A: a, B: b }, ...(known ? bad : {}) });
    });

  it('always has one step, or names what it waits for; runs and tries nothing that was not verified, and writes over nothing that runs', () => {
    fc.assert(
      fc.property(anySituation, (given) => {
        const step: Step = plan(given);
        if ('wait' in step) return;
        const record = 'slot' in step ? given.store.slots[step.slot] : undefined;
        switch (step.do) {
          case 'try':
            expect(record?.condition).toBe('trial');
            break;
          case 'begin-trial':
            expect(['verified', 'retired']).toContain(record?.condition);
            break;
          case 'claim':
            expect(['verified', 'retired', 'good']).toContain(record?.condition);
            expect(given.store.bad.models.map(({ digest }) => digest)).not.toContain(record?.model?.digest);
            break;
          case 'promote':
            if (step.reason === 'WITHOUT_TRIAL') expect(given.promoteWithoutTrial).toBe(true);
            else if (step.reason === 'FIRST') {
              const unusable = given.daemon?.unusable.map(({ digest }) => digest);
              expect(given.daemon).toMatchObject({ running: undefined });
              for (const { digest } of given.installed) expect(unusable).toContain(digest);
              expect([given.trial?.slot, given.trial?.phase, record?.condition]).toEqual([
                step.slot,
                'shadow',
                'trial',
              ]);
            } else if (step.reason !== 'GOOD_BEFORE') expect(given.trial?.ruling?.step).toBe('promote');
            expect(['trial', 'verified', 'retired', 'good']).toContain(record?.condition);
            break;
          case 'download':
          case 'unpack':
            expect(given.target).toHaveProperty('trusted');
            break;
          case 'close':
            if (step.outcome === 'promoted' && !given.promoteWithoutTrial)
              expect(given.daemon?.served).toBeGreaterThan(0);
            expect(given.wanted).toBeDefined();
            break;
          default:
        }
      }),
      { numRuns: 2000 },
    );
  });
});
