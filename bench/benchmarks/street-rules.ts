import type { Benchmark } from '../harness/benchmark.ts';
import { cellFigures, cellNotes, figuresOf } from '../street/figures.ts';
import { stopLine } from '../street/stop-line.ts';
import { countByRule, RATES, type StreetResult } from '../street/street-run.ts';

const SECONDS = 120;
/** In all. */
const CROSSINGS = 10_000;
const MINUTES = 20;
/** No seed that the street detector has learned from or was measured on. */
const FIRST_SEED = 70_000;
const WAITS = 500;

export const streetRules: Benchmark = {
  name: 'street-rules',
  title: 'Tracker and lines at detections made by rule, beside exact truth',
  method:
    `Boxes of the vehicles and walkers of the demonstration's street, from where they are, without rendering: streets of ${SECONDS} s, a third of them at each of ${RATES.join(', ')} frames a second, until there are ${CROSSINGS.toLocaleString('en')} crossings or \`--minutes\` (${MINUTES}) are over. ` +
    'No street is looked at twice: all crossings are independent. Unseen is what nearer ones hide by two thirds; ' +
    '5% are missed, 10% have a low score, 3% another class, all are 3% of their size beside the truth, and one frame in 33 has a box too many. ' +
    'A crossing is found when one of that line and direction is counted within a second of the moment at which the bottom centre of the whole outline ' +
    'passes, hidden or not; in a cell of class, line and direction, what is counted in another class is missed and false. Stop line: vehicles that wait on the line, hidden two to five times for ' +
    'longer than the tracker remembers; each passes once.',
  layout: 'grids',
  needs: [],
  minutes: MINUTES,
  async run({ minutes, say, signal }) {
    const results: StreetResult[] = [];
    const until = performance.now() + 60_000 * minutes;
    for (let crossings = 0; crossings < CROSSINGS && performance.now() < until; ) {
      signal.throwIfAborted();
      for (const rate of RATES)
        results.push(await countByRule({ seed: FIRST_SEED + results.length, rate, seconds: SECONDS }));
      crossings = results.reduce((sum, { accuracy }) => sum + accuracy.truth, 0);
      say(`${results.length} streets, ${crossings} crossings`);
    }
    say('stop line');
    const waits = stopLine(WAITS, 1);
    const at = (rate: number) => results.filter((each) => each.rate === rate).map(({ accuracy }) => accuracy);
    const every = results.map(({ accuracy }) => accuracy);
    return {
      figures: [
        ...figuresOf('all', every, true),
        ...RATES.flatMap((rate) => figuresOf(`${rate} frames a second`, at(rate))),
        ...cellFigures(results),
        { subject: 'stop line', measure: 'waits', value: waits.waits, unit: '' },
        { subject: 'stop line', measure: 'ids changed', value: waits.idSwitches, unit: '' },
        { subject: 'stop line', measure: 'counted wrongly', value: waits.wrong, unit: '', limit: { atMost: 0 } },
      ],
      notes: [`${results.length} streets`, ...cellNotes(results)],
    };
  },
};
