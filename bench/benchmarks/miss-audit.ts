import { join } from 'node:path';
import { wilson } from '../../core/intervals.ts';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { type Random, seededRandom } from '../../core/random.ts';
import { median } from '../../core/statistics.ts';
import { auditMisses, type SecondCapture } from '../../daemon/audit/capture-recapture.ts';
import type { Detection } from '../../inference/heads/detection.ts';
import { createDetector } from '../../inference/heads/detector.ts';
import { readPackage } from '../../inference/read-package.ts';
import { openSession } from '../../inference/session.ts';
import type { Benchmark, Figure } from '../harness/benchmark.ts';
import type { Workplace } from '../harness/workplace.ts';
import { type Audit, type AuditedStreet, auditedStreet, auditOf, blindTo } from '../street/audited-street.ts';
import { movingStreet, type TrueFrame } from '../street/moving-street.ts';
import { CONDITIONS, seedsOf, WEATHER_OF } from '../street/street-run.ts';

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

/** Of each light and weather. */
const STREETS = 4;
const SECONDS = 48;
const RATE = 10;
/** Draws of the objects that a detector is blind to. */
const DRAWS = 12;

const holds = ({ misses, truth, missed }: Audit): boolean => {
  if (misses === null) return false;
  const { low, high, bound } = misses.all;
  const share = missed / truth;
  return low <= share && (bound === 'lower' || share <= high);
};

function figuresOf(subject: string, audits: readonly Audit[]): Figure[] {
  const figure = (measure: string, value: number, unit = '%'): Figure => ({ subject, measure, value, unit });
  const known = audits.flatMap(({ misses, truth, missed }) =>
    misses === null ? [] : [{ ...misses.all, truth: missed / truth, all: truth }],
  );
  const of = (value: (each: (typeof known)[number]) => number): number => median(known.map(value));
  if (known.length === 0) return [];
  return [
    figure(
      'crossings',
      of(({ all }) => all),
      '',
    ),
    figure(
      'found by motion',
      of(({ captured }) => captured),
      '',
    ),
    figure('missed', 100 * of(({ truth }) => truth)),
    {
      ...figure('self-audited', 100 * of(({ missRate }) => missRate)),
      interval: { low: 100 * of(({ low }) => low), high: 100 * of(({ high }) => high) },
    },
    figure('off by', 100 * of(({ missRate, truth }) => missRate - truth), 'points'),
    figure('called a lower bound', (100 * known.filter(({ bound }) => bound === 'lower').length) / known.length),
    figure('what is said holds', (100 * audits.filter(holds).length) / audits.length),
  ];
}

async function renderedFigures(place: Workplace): Promise<Figure[]> {
  const { modelPath, manifest } = await readPackage(join(PACKAGE_ROOT, 'demo', 'detector-package'));
  if (manifest.head === undefined) return [];
  const session = await openSession(modelPath, { threads: 1 });
  const streets: (AuditedStreet & { readonly condition: string; readonly detections: Detection[][] })[] = [];
  try {
    const detector = createDetector(session, manifest.head, manifest.preprocessing);
    for (const condition of CONDITIONS) {
      for (const seed of seedsOf(condition, STREETS)) {
        place.say(`${condition}, street ${seed}`);
        const [frames, detections]: [TrueFrame[], Detection[][]] = [[], []];
        const asked = { seed, weather: WEATHER_OF[condition], seconds: SECONDS, rate: RATE };
        for await (const frame of movingStreet(asked, place)) {
          frames.push(frame);
          detections.push((await detector.detect(frame.image)).detections);
        }
        streets.push({ ...auditedStreet(seed, frames), condition, detections });
      }
    }
  } finally {
    await session.close();
  }
  const byNetwork = (chosen: typeof streets): Audit =>
    auditOf(
      chosen,
      chosen.map(({ detections }) => detections),
    );
  const blind = (share: number): Audit[] =>
    Array.from({ length: DRAWS }, (_, draw) =>
      auditOf(
        streets,
        streets.map(({ seed, frames }) => blindTo(share, frames, seededRandom(1000 * draw + seed))),
      ),
    );
  return [
    ...figuresOf('shipped detector', [byNetwork(streets)]),
    ...CONDITIONS.flatMap((condition) =>
      figuresOf(`shipped detector, ${condition}`, [byNetwork(streets.filter((each) => each.condition === condition))]),
    ),
    ...[0, 0.05, 0.1, 0.2].flatMap((share) => figuresOf(`blind to ${100 * share}% of objects`, blind(share))),
  ];
}

export const missAudit: Benchmark = {
  name: 'miss-audit',
  title: 'Misses estimated without truth, by a second capture',
  method:
    `${AUDITS} simulated audits a row, of ${CROSSINGS} crossings each, whose truth is known: the model misses a share, motion finds ${100 * FOUND}%. Dependent captures: a crossing ` +
    'that is hard to see is so for both, from not at all to three times the share. What an audit says holds where the truth lies in its interval, or, where it calls itself a lower ' +
    'bound, not below it. How clearly a crossing was found is known with as much noise as there is in it. ' +
    `Rendered: ${STREETS} streets of ${SECONDS} s in each of ${CONDITIONS.length} conditions, ${RATE} frames a second, all as one camera, what moves followed as with \`counting.selfAudit\`; truth is where things are, ` +
    `and missed what is not counted within a second. The shipped street detector, which tends to miss what motion cannot part; and a detector that sees all that shows a third of itself but for ` +
    `objects that it is blind to, drawn anew ${DRAWS} times (medians).`,
  layout: 'grids',
  needs: [],
  async run(place) {
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
    figures.push(...(await renderedFigures(place)));
    return {
      figures,
      notes: [
        'Rendered streets are short: what motion finds on them is too few for an interval of a point, which takes a thousand.',
        'Where the camera shakes nothing is told: those streets are counted among the crossings, and add nothing to the estimate.',
        'People who cross together count for motion as one: of them, one that is missed is not found, and the estimate is called a lower bound.',
      ],
    };
  },
};
