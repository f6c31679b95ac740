import { join } from 'node:path';
import { seededRandom } from '../../../core/random.ts';
import type { Benchmark, Figure } from '../../harness/benchmark.ts';
import { alterations } from '../../harness/journal/alterations.ts';
import { dayOf } from '../../harness/journal/day.ts';
import { crashStates, faultsAfter, flushesOf, unsafeWithout } from '../../harness/journal/life.ts';
import { LOSSES } from '../../harness/power-cuts/losses.ts';
import type { Workplace } from '../../harness/workplace.ts';

const ALTERATIONS = 10_000;
const CAMERAS = 8;
/** A busy street: 17,000 crossings a day at each camera. */
const SECONDS_BETWEEN = 5;

async function cuts(signal: AbortSignal): Promise<Figure[]> {
  const subject = 'power cut before any act';
  const { states, points, acts } = await crashStates(seededRandom(7));
  let lost = 0;
  let broken = 0;
  for (const { disk, promised } of states) {
    signal.throwIfAborted();
    const faults = await faultsAfter(disk, promised);
    lost += faults.filter((fault) => fault.endsWith('is lost')).length;
    if (faults.some((fault) => !fault.endsWith('is lost'))) broken++;
  }
  return [
    { subject, measure: 'acts on the disk', value: acts, unit: '' },
    { subject, measure: 'crash states', value: points, unit: '', limit: { atLeast: 2000 } },
    { subject, measure: 'of them different', value: states.length, unit: '' },
    { subject, measure: 'flushed messages lost', value: lost, unit: '', limit: { atMost: 0 } },
    { subject, measure: 'chains or numbers broken', value: broken, unit: '', limit: { atMost: 0 } },
  ];
}

async function flushes(): Promise<Figure[]> {
  const subject = 'a flush left out';
  const count = await flushesOf();
  let unseen = 0;
  for (let flush = 0; flush < count; flush++) if ((await unsafeWithout(flush)).length === 0) unseen++;
  return [
    { subject, measure: 'flushes', value: count, unit: '' },
    { subject, measure: 'not noticed', value: unseen, unit: '', limit: { atMost: 0 } },
  ];
}

async function day({ scratch, signal }: Workplace): Promise<Figure[]> {
  const subject = `a day of ${CAMERAS} cameras`;
  const { messages, bytes, flushes, blockBytes } = await dayOf(
    join(scratch, 'journal'),
    CAMERAS,
    SECONDS_BETWEEN,
    signal,
  );
  return [
    { subject, measure: 'messages', value: messages, unit: '' },
    { subject, measure: 'written', value: bytes / 1e6, unit: 'MB' },
    { subject, measure: 'flushes', value: flushes, unit: '', limit: { atMost: 90_000 } },
    { subject, measure: 'in blocks of 4 KiB', value: blockBytes / 1e6, unit: 'MB', limit: { atMost: 1000 } },
  ];
}

export const journal: Benchmark = {
  name: 'journal',
  title: 'The journal: power cuts, alterations, wear',
  method:
    `Power cuts: the real journal lives five sessions on a disk in memory that knows what was flushed; before every act on the disk the power goes in ${LOSSES.length} ways, as for updates below. ` +
    'The next start must have every message that was flushed and not acknowledged, give no number again, and its chain must verify, before and after it is put in order. Each flush is left out once. ' +
    `Alterations: ${ALTERATIONS} by chance, of bytes, records (with checksums, hashes or the whole segment made right again) and segments, each verified against the checkpoint of the end. ` +
    `Wear: a day of ${CAMERAS} cameras, a crossing every ${SECONDS_BETWEEN} s at each and counts every minute, in quick motion; blocks are counted at each flush, without what the file system adds.`,
  layout: 'grids',
  needs: [],
  async run(place) {
    place.say('power cuts');
    const cut = await cuts(place.signal);
    place.say('flushes');
    const flush = await flushes();
    place.say('alterations');
    const { missed, tried } = await alterations(seededRandom(11), ALTERATIONS);
    const subject = 'alterations';
    const altered: Figure[] = [
      { subject, measure: 'tried', value: tried, unit: '', limit: { atLeast: ALTERATIONS } },
      { subject, measure: 'not found', value: missed.length, unit: '', limit: { atMost: 0 } },
    ];
    place.say('a day');
    return { figures: [...cut, ...flush, ...altered, ...(await day(place))], notes: ['equal states are judged once'] };
  },
};
