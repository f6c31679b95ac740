import { existsSync } from 'node:fs';
import { join } from 'node:path';
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
import { cellNotes, figuresOf, pooled, type Tallied } from '../street/figures.ts';
import { CONDITIONS, countStreet, RATES, type StreetResult, seedsOf } from '../street/street-run.ts';

const PACKAGE = join(PACKAGE_ROOT, 'demo', 'detector-package');
const STREETS = 1;
const SECONDS = 48;
interface Counted extends StreetResult {
  readonly condition: string;
}

const percent = (share: number): number => 100 * share;

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
    `Average precision is at an overlap of a half (IoU), on ${MEASURED.scenes * MEASURED.perScene} frames in all weathers and at night.`,
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
    const of = (chosen: (each: Counted) => boolean): Tallied[] =>
      results.filter(chosen).map(({ accuracy }) => accuracy);
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
        ...cellNotes(results),
      ],
    };
  },
};
