import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type CountAccuracy, countAccuracy } from '../../cli/count/accuracy.ts';
import { mapped, wilson } from '../../core/intervals.ts';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { collected, MEASURED, streetFrames } from '../../demo/detector/frames.ts';
import { judgeDetector } from '../../demo/detector/judge.ts';
import { STREET_TRAINING, trainDetector } from '../../demo/detector/train.ts';
import { createDetector } from '../../inference/heads/detector.ts';
import { readPackage } from '../../inference/read-package.ts';
import { openSession } from '../../inference/session.ts';
import { writeModel } from '../../onnx/file/write.ts';
import type { Benchmark, Figure } from '../harness/benchmark.ts';
import type { Workplace } from '../harness/workplace.ts';
import { stopLine } from '../street/stop-line.ts';
import { CONDITIONS, countByRule, countStreet, RATES, type StreetResult, seedsOf } from '../street/street-run.ts';

const PACKAGE = join(PACKAGE_ROOT, 'demo', 'detector-package');
const STREETS = 1;
const SECONDS = 48;
/** Streets and seconds of each that a detector by rule looks at. */
const RULED = { streets: 12, seconds: 120 };
const RULED_SEED = 70_000;
const WAITS = 500;
/** Cells of fewer crossings say nothing of their own. */
const LEAST_OF_CELL = 300;

interface Counted extends StreetResult {
  readonly condition: string;
}

type Tallied = Pick<CountAccuracy, 'truth' | 'missed' | 'false' | 'wrongClass' | 'matched'>;

const KEYS = ['truth', 'missed', 'false', 'wrongClass', 'matched'] as const;

function pooled(all: readonly Tallied[]): Tallied {
  const sum = (key: (typeof KEYS)[number]): number => all.reduce((total, each) => total + each[key], 0);
  return {
    truth: sum('truth'),
    missed: sum('missed'),
    false: sum('false'),
    wrongClass: sum('wrongClass'),
    matched: sum('matched'),
  };
}

const percent = (share: number): number => 100 * share;

function figuresOf(subject: string, all: readonly Tallied[], limited = false): Figure[] {
  const { truth, missed, false: wrong, wrongClass, matched } = pooled(all);
  const share = (measure: string, value: number, atMost: number): Figure => ({
    subject,
    measure,
    value,
    unit: '%',
    ...(limited ? { limit: { atMost } } : {}),
  });
  return [
    { subject, measure: 'crossings', value: truth, unit: '' },
    share('net count error', percent(Math.abs(wrong - missed) / Math.max(1, truth)), 2),
    share('missed and false', percent((missed + wrong) / Math.max(1, truth)), 4),
    {
      subject,
      measure: 'missed',
      value: percent(missed / Math.max(1, truth)),
      unit: '%',
      ...(truth === 0 ? {} : { interval: mapped(wilson(missed, truth), percent) }),
    },
    { subject, measure: 'in another class', value: percent(wrongClass / Math.max(1, matched)), unit: '%' },
  ];
}

/** Of one class on one line in one direction: what is counted in another class is missed here and false there. */
function cellsOf(results: readonly Counted[]): Map<string, Tallied[]> {
  const cells = new Map<string, Tallied[]>();
  for (const { crossings, truth, classes, seconds } of results) {
    const keys = new Set(truth.map((each) => `${each.class}, ${each.line} ${each.direction}`));
    for (const key of keys) {
      const own = truth.filter((each) => key === `${each.class}, ${each.line} ${each.direction}`);
      const counted = crossings.filter(
        ({ classIndex, line, direction }) => key === `${classes[classIndex]}, ${line} ${direction}`,
      );
      cells.set(key, [...(cells.get(key) ?? []), countAccuracy(counted, own, { classes, seconds })]);
    }
  }
  return cells;
}

/** The float model that the package was made from; trained again where no run before has left it. */
async function floatModel({ cache, signal, say }: Workplace): Promise<string> {
  const path = join(cache, 'street-grid.onnx');
  if (existsSync(path)) return path;
  say('training the float model again');
  await writeModel(await trainDetector({ ...STREET_TRAINING, signal }), path);
  return path;
}

async function precisionFigures(int8: string, place: Workplace): Promise<Figure[]> {
  const frames = await collected(streetFrames(MEASURED));
  const [float, quantized] = [await judgeDetector(await floatModel(place), frames), await judgeDetector(int8, frames)];
  const lost = percent(float.meanPrecision - quantized.meanPrecision);
  const measure = 'mean average precision';
  return [
    { subject: 'network, float', measure, value: percent(float.meanPrecision), unit: '%' },
    { subject: 'network, int8', measure, value: percent(quantized.meanPrecision), unit: '%' },
    { subject: 'network, int8', measure: 'lost', value: lost, unit: 'points', limit: { atMost: 1 } },
    ...quantized.classes.map(
      ({ class: name, precision }): Figure => ({
        subject: `network, int8: ${name}`,
        measure: 'average precision',
        value: percent(precision),
        unit: '%',
      }),
    ),
  ];
}

export const street: Benchmark = {
  name: 'street',
  title: 'Crossings counted on the rendered street, beside its exact truth',
  method:
    `The shipped street detector and the pipeline of \`wayside count\`, without a video between: ${STREETS} streets of ${SECONDS} s in each of ${CONDITIONS.length} conditions, ` +
    'rendered 15 times a second; a rate of 10 looks at two of three frames, one of 5 at one. The three rates see the same streets: the crossings of one rate are all that are ' +
    'independent. Truth comes from where things are, hidden or not: the bottom centre of the whole outline passes the line. A crossing is found when one of that line and ' +
    'direction is counted within a second; what passes in the first or last two seconds is contested. Streets are of seeds that the network never saw. ' +
    `Average precision is at an overlap of a half (IoU), on ${MEASURED.scenes * MEASURED.perScene} frames in all weathers and at night. By rule: boxes from where things are, unseen where nearer ones hide two thirds, ` +
    '5% missed, 10% of low score, 3% of another class, 3% of their size beside the truth, and one in 33 frames with one too many; ' +
    `${RULED.streets} streets of ${RULED.seconds} s: they try tracker and lines, at numbers for which rendering takes too long. Stop line: detections made by rule of vehicles that wait on the line, ` +
    'hidden two to five times for longer than the tracker remembers.',
  layout: 'grids',
  needs: [],
  async run(place) {
    const { modelPath, manifest } = await readPackage(PACKAGE);
    if (manifest.head === undefined) return { skipped: 'demo/detector-package holds no detector' };
    const session = await openSession(modelPath, { threads: 1 });
    const results: Counted[] = [];
    try {
      const detector = createDetector(session, manifest.head, manifest.preprocessing);
      for (const condition of CONDITIONS) {
        for (const seed of seedsOf(condition, STREETS)) {
          place.say(`${condition}, street ${seed}`);
          const asked = { seconds: SECONDS, cache: place.cache, signal: place.signal };
          const counted = await countStreet(detector, seed, condition, asked);
          results.push(...counted.map((each) => ({ ...each, condition })));
        }
      }
    } finally {
      await session.close();
    }
    place.say('detections by rule');
    const ruled = Array.from({ length: RULED.streets }, (_, i) =>
      countByRule(RULED_SEED + i, RULED.seconds).map((each) => ({ ...each, condition: 'by rule' })),
    ).flat();
    place.say('stop line');
    const waits = stopLine(WAITS, 1);
    const of = (chosen: (each: Counted) => boolean): Tallied[] =>
      results.filter(chosen).map(({ accuracy }) => accuracy);
    const cells = [...cellsOf(ruled)].filter(([, all]) => pooled(all).truth >= LEAST_OF_CELL);
    return {
      figures: [
        ...figuresOf(
          'all',
          of(() => true),
          true,
        ),
        ...CONDITIONS.flatMap((condition) =>
          figuresOf(
            condition,
            of((each) => each.condition === condition),
          ),
        ),
        ...Object.keys(RATES).flatMap((rate) =>
          figuresOf(
            `${rate} frames a second`,
            of((each) => each.rate === Number(rate)),
          ),
        ),
        ...figuresOf(
          'by rule: all',
          ruled.map(({ accuracy }) => accuracy),
          true,
        ),
        ...Object.keys(RATES).flatMap((rate) =>
          figuresOf(
            `by rule: ${rate} frames a second`,
            ruled.filter((each) => each.rate === Number(rate)).map(({ accuracy }) => accuracy),
          ),
        ),
        ...cells.flatMap(([cell, all]) => figuresOf(`by rule: ${cell}`, all)),
        { subject: 'stop line', measure: 'waits', value: waits.waits, unit: '' },
        { subject: 'stop line', measure: 'ids changed', value: waits.idSwitches, unit: '' },
        { subject: 'stop line', measure: 'wrong', value: waits.wrong, unit: '', limit: { atMost: 0 } },
        ...(await precisionFigures(modelPath, place)),
      ],
      notes: [
        `${pooled(of(({ rate }) => rate === 15)).truth} crossings at each rate`,
        ...CONDITIONS.flatMap((condition) =>
          Object.keys(RATES).map((rate) => {
            const found = pooled(of((each) => each.condition === condition && each.rate === Number(rate)));
            return `${condition}, ${rate} frames a second: ${found.truth} crossings, ${found.missed} missed, ${found.false} false, ${found.wrongClass} in another class`;
          }),
        ),
        ...[...cellsOf(results)].map(([cell, all]) => {
          const found = pooled(all);
          return `${cell}: ${found.truth} crossings at all rates, ${found.missed} missed, ${found.false} false`;
        }),
      ],
    };
  },
};
