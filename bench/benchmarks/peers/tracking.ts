import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Benchmark, Figure } from '../../harness/benchmark.ts';
import { PEERS, peerPython } from '../../harness/peers/environment.ts';
import { runChild } from '../../harness/process/child.ts';
import { OURS, type Sequence, writeSequence } from '../../street/tracking.ts';

const STREETS = 12;
const SECONDS = 60;
const RATES = [5, 10, 15];
/** No seed that the street detector has learned from, or that anything was chosen by. */
const FIRST_SEED = 75_000;
const MEASURES = ['HOTA', 'IDF1', 'MOTA'] as const;

const judgement = z.array(
  z.object({
    tracker: z.string(),
    rate: z.number().nullable(),
    HOTA: z.number(),
    IDF1: z.number(),
    MOTA: z.number(),
    switches: z.number(),
  }),
);
type Judged = z.infer<typeof judgement>[number];

/** @param best of the peers, by measure, where this is ours and is to be not below them */
function figuresOf(judged: Judged, best: Readonly<Record<string, number>> | undefined): Figure[] {
  const { tracker, rate } = judged;
  const subject = rate === null ? tracker : `${tracker}, ${rate} frames a second`;
  return [
    ...MEASURES.map((measure): Figure => {
      const limit = best?.[measure];
      const figure = { subject, measure, value: judged[measure], unit: '%' };
      return limit === undefined ? figure : { ...figure, limit: { atLeast: limit } };
    }),
    { subject, measure: 'ids changed', value: judged.switches, unit: '' },
  ];
}

export const tracking: Benchmark = {
  name: 'tracking',
  title: 'Tracks of Wayside, ByteTrack and OC-SORT on the same detections',
  method:
    `Detections made by rule, as for \`street-rules\`, of ${STREETS} streets of ${SECONDS} s at ${RATES.join(', ')} frames a second are followed by Wayside's tracker and by ByteTrack and OC-SORT of the \`trackers\` package, ` +
    'which are told the frame rate, once with the settings that they come with and once told that boxes from a score of 0.4 on are good ones, as Wayside takes them. What Wayside tells of at once counts, as in `camera/<id>/detections`, believed or not yet; what of it is believed alone, which is what lines count, is shown beside it. The peers tell of an object when it has an id. Truth: every vehicle and walker of which a third is to be seen, whatever its class. HOTA, IDF1 and MOTA are of TrackEval, without its ' +
    'preprocessing, over all sequences together and by rate. The limit is the best of the peers in that measure. Versions are pinned in `bench/peers/requirements-tracking.txt`.',
  layout: 'grid',
  needs: ['python3'],
  async run(place) {
    const found = await peerPython(place, 'requirements-tracking.txt');
    if ('missing' in found) return { skipped: found.missing };
    const sequences: Sequence[] = [];
    for (let seed = FIRST_SEED; seed < FIRST_SEED + STREETS; seed++) {
      place.say(`street ${seed}`);
      place.signal.throwIfAborted();
      for (const rate of RATES) sequences.push(await writeSequence(place.scratch, seed, rate, SECONDS));
    }
    await writeFile(join(place.scratch, 'sequences.json'), JSON.stringify(sequences));
    place.say('peers and TrackEval');
    const script = join(PEERS, 'street_tracking.py');
    const { stdout } = await runChild(found.python, [script, place.scratch], { signal: place.signal });
    const judged = judgement.parse(JSON.parse(stdout));
    const bestAt = (rate: number | null): Readonly<Record<string, number>> => {
      const peers = judged.filter((each) => each.rate === rate && !each.tracker.startsWith(OURS));
      return Object.fromEntries(MEASURES.map((measure) => [measure, Math.max(...peers.map((each) => each[measure]))]));
    };
    return {
      figures: judged.flatMap((each) => figuresOf(each, each.tracker === OURS ? bestAt(each.rate) : undefined)),
      notes: [
        `${sequences.length} sequences of ${sequences.reduce((sum, { frames }) => sum + frames, 0)} frames in all`,
        'boxes of the peers are the detections themselves, those of Wayside are filtered',
      ],
    };
  },
};
