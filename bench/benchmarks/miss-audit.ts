import { wilson } from '../../core/intervals.ts';
import { type Random, seededRandom } from '../../core/random.ts';
import { median } from '../../core/statistics.ts';
import { auditMisses, type SecondCapture } from '../../daemon/audit/capture-recapture.ts';
import type { Benchmark, Figure } from '../harness/benchmark.ts';

const AUDITS = 1000;
const CROSSINGS = 800;
/** Share that motion finds. */
const FOUND = 0.8;

interface Audited {
  readonly holds: boolean;
  readonly lower: boolean;
  readonly error: number;
}

/** @param dependence 0: each finds whom it finds; 1: what is hard to see for one is so for the other */
function audit(missRate: number, dependence: number, random: Random): Audited {
  const second: SecondCapture[] = [];
  let [counted, missed] = [0, 0];
  for (let each = 0; each < CROSSINGS; each++) {
    const clarity = 2 * random.next(); // mean 1
    const hard = (share: number): number => Math.min(1, share * (1 + dependence * (1 - clarity) * 2));
    const byModel = random.next() >= Math.max(0, hard(missRate));
    const byMotion = random.next() >= Math.max(0, hard(1 - FOUND));
    if (byModel) counted++;
    else missed++;
    if (byMotion) second.push({ counted: byModel, strength: clarity + random.normal() });
  }
  const { missRate: found, low, high, bound } = auditMisses(counted, second)!;
  const truth = missed / CROSSINGS;
  const lower = bound === 'lower';
  return { holds: low <= truth && (lower || truth <= high), lower, error: found - truth };
}

export const missAudit: Benchmark = {
  name: 'miss-audit',
  title: 'Misses estimated without truth, by a second capture',
  method:
    `${AUDITS} simulated audits a row, of ${CROSSINGS} crossings each, whose truth is known: the model misses a share, motion finds ${100 * FOUND}%. Dependent captures: a crossing ` +
    'that is hard to see is so for both, from not at all to three times the share. What an audit says holds where the truth lies in its interval, or, where it calls itself a lower ' +
    'bound, not below it. How clearly a crossing was found is known with as much noise as there is in it.',
  layout: 'grid',
  needs: [],
  run() {
    const figures: Figure[] = [];
    for (const missRate of [0.03, 0.1]) {
      for (const [name, dependence] of [
        ['independent', 0],
        ['dependent', 1],
      ] as const) {
        const random = seededRandom(17);
        const audits = Array.from({ length: AUDITS }, () => audit(missRate, dependence, random));
        const subject = `${100 * missRate}% missed, ${name}`;
        const shareOf = (measure: string, of: (each: Audited) => boolean): Figure => {
          const count = audits.filter(of).length;
          const { low, high } = wilson(count, AUDITS);
          return {
            subject,
            measure,
            value: (100 * count) / AUDITS,
            unit: '%',
            interval: { low: 100 * low, high: 100 * high },
          };
        };
        figures.push(
          { ...shareOf('what is said holds', ({ holds }) => holds), limit: { atLeast: 93 } },
          shareOf('called a lower bound', ({ lower }) => lower),
          { subject, measure: 'median error', value: 100 * median(audits.map(({ error }) => error)), unit: 'points' },
        );
      }
    }
    return Promise.resolve({ figures, notes: [] });
  },
};
