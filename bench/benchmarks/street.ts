import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { digestOf } from '../../core/hash.ts';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { collected, MEASURED, streetFrames } from '../../demo/detector/frames.ts';
import { judgeDetector } from '../../demo/detector/judge.ts';
import { STREET_TRAINING, trainDetector } from '../../demo/detector/train.ts';
import { GridHead } from '../../inference/heads/grid.ts';
import { readPackage } from '../../inference/read-package.ts';
import { writeModel } from '../../onnx/file/write.ts';
import type { Benchmark, Figure } from '../harness/benchmark.ts';
import type { Workplace } from '../harness/workplace.ts';
import { type CountedStreet, countedStreets } from '../street/counted-streets.ts';
import { cellFigures, cellNotes, figuresOf, pooled, type Tallied } from '../street/figures.ts';
import { CONDITIONS, RATES } from '../street/street-run.ts';

const PACKAGE = join(PACKAGE_ROOT, 'demo', 'detector-package');
const SECONDS = 60;
/** In all. */
const CROSSINGS = 10_000;
const MINUTES = 60;

const percent = (share: number): number => 100 * share;

/** The float model that the package was made from; trained again where no run before has left it. */
async function floatModel({ cache, signal, say }: Workplace): Promise<string> {
  const path = join(cache, `street-grid-${digestOf(JSON.stringify(STREET_TRAINING)).slice(-16)}.onnx`);
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
    `The shipped street detector and the pipeline of \`wayside count\`, without a video between: streets of ${SECONDS} s in rounds, one of each of ${CONDITIONS.length} conditions at each of ` +
    `${RATES.join(', ')} frames a second, until there are ${CROSSINGS.toLocaleString('en')} crossings or \`--minutes\` (${MINUTES}) are over, on all cores. No street is looked at twice: all crossings are ` +
    'independent. Truth comes from where things are, hidden or not: the bottom centre of the whole outline passes the line. A crossing is found when one of that line and ' +
    'direction is counted within a second; what passes in the first or last two seconds is contested. In a cell of class, line and direction, what is counted in another class is missed and false. ' +
    'Streets are of seeds that the network never saw. ' +
    `Average precision is at an overlap of a half (IoU), on ${MEASURED.scenes * MEASURED.perScene} frames in all weathers and at night.`,
  layout: 'grids',
  needs: [],
  minutes: MINUTES,
  async run(place) {
    const { modelPath, manifest } = await readPackage(PACKAGE);
    const head = GridHead.safeParse(manifest.head);
    if (!head.success) return { skipped: 'demo/detector-package holds no grid detector' };
    const { minutes, signal, say } = place;
    const results = await countedStreets(
      { modelPath, head: head.data, preprocessing: manifest.preprocessing },
      { seconds: SECONDS, crossings: CROSSINGS, minutes, threads: availableParallelism(), signal, say },
    );
    const of = (chosen: (each: CountedStreet) => boolean): Tallied[] =>
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
        ...RATES.flatMap((rate) =>
          figuresOf(
            `${rate} frames a second`,
            of((each) => each.rate === rate),
          ),
        ),
        ...cellFigures(results),
        ...(await precisionFigures(modelPath, place)),
      ],
      notes: [
        `${results.length} streets`,
        ...CONDITIONS.flatMap((condition) =>
          RATES.map((rate) => {
            const found = pooled(of((each) => each.condition === condition && each.rate === rate));
            return `${condition}, ${rate} frames a second: ${found.truth} crossings, ${found.missed} missed, ${found.false} false, ${found.wrongClass} in another class`;
          }),
        ),
        ...cellNotes(results),
      ],
    };
  },
};
