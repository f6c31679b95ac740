import { seededRandom } from '../../../core/random.ts';
import type { Benchmark, Figure } from '../../harness/benchmark.ts';
import { factoryDisk } from '../../harness/power-cuts/box.ts';
import {
  type Aftermath,
  afterFullDisk,
  aftermath,
  aftermathOfTwo,
  crashStates,
  cutInEveryTrial,
  live,
  reallyRuns,
  unsafeWithout,
} from '../../harness/power-cuts/cuts.ts';
import { type PublishedModels, publishModels } from '../../harness/power-cuts/office.ts';
import type { Workplace } from '../../harness/workplace.ts';

/** Golden samples are run in one of so many states that differ, which is more than one of fifty of all. */
const RUN_EVERY = 5;
/** Of all states; equal ones count once. */
const RUN_SHARE = 1 / 50;
/** Trials of one version that are cut off, one after the other. */
const TRIALS_CUT = 12;
/** Bytes after which the disk is full: in steps, up to more than a life writes. */
const ROOM = { step: 1000, most: 400_000 } as const;
const ORDERS = [
  [1, '1'],
  [2, '3'],
] as const;

const figuresOf = (subject: string, ends: readonly Aftermath[]): Figure[] => {
  const none = { unit: '', limit: { atMost: 0 } };
  const count = (is: (end: Aftermath) => boolean): number => ends.filter(is).length;
  return [
    { subject, measure: 'boxes without a working model', value: count(({ withoutModel }) => withoutModel), ...none },
    { subject, measure: 'later updates blocked', value: count(({ blocked }) => blocked), ...none },
    { subject, measure: 'promises broken', value: count(({ faults }) => faults.length > 0), ...none },
  ];
};

async function cuts(models: PublishedModels, place: Workplace): Promise<Figure[]> {
  const subject = 'power cut before any act';
  const { states, points, acts, withinFiles } = await crashStates(models);
  const ends: Aftermath[] = [];
  const twice: Aftermath[] = [];
  const random = seededRandom(3);
  let ran = 0;
  for (const [index, state] of states.entries()) {
    place.signal.throwIfAborted();
    if (index % RUN_EVERY === 0) {
      await reallyRuns(state.disk, place.scratch);
      ran++;
    }
    if (index % 2 === 0) twice.push(await aftermathOfTwo(state, models, random));
    ends.push(await aftermath(state, models));
  }
  const figures = [
    { subject, measure: 'acts on the disk', value: acts, unit: '' },
    { subject, measure: 'crash states', value: points, unit: '', limit: { atLeast: 2000 } },
    { subject, measure: 'of them different', value: states.length, unit: '' },
    { subject, measure: 'within a file of several writes', value: withinFiles, unit: '', limit: { atLeast: 1 } },
    {
      subject,
      measure: 'golden samples reproduced in',
      value: ran,
      unit: '',
      limit: { atLeast: Math.ceil(points * RUN_SHARE) },
    },
    ...figuresOf(subject, ends),
    { subject: 'a second cut while that is put in order', measure: 'crash states', value: twice.length, unit: '' },
    ...figuresOf('a second cut while that is put in order', twice),
    { subject: 'a cut in every trial', measure: 'crash states', value: TRIALS_CUT, unit: '' },
    ...figuresOf('a cut in every trial', [await cutInEveryTrial(models, TRIALS_CUT)]),
  ];
  return figures;
}

async function fullDisks(models: PublishedModels, place: Workplace): Promise<Figure[]> {
  const subject = 'disk full after any number of bytes';
  const ends: Aftermath[] = [];
  for (let room = 0; room < ROOM.most; room += ROOM.step) {
    place.signal.throwIfAborted();
    const { full, ...end } = await afterFullDisk(models, room);
    if (full) ends.push(end);
  }
  return [{ subject, measure: 'crash states', value: ends.length, unit: '' }, ...figuresOf(subject, ends)];
}

async function flushes(models: PublishedModels): Promise<Figure[]> {
  const subject = 'a flush left out';
  const disk = await factoryDisk(models);
  await live(disk, models, () => {}, ORDERS);
  const count = disk.flushes;
  let unseen = 0;
  for (let flush = 0; flush < count; flush++) {
    if ((await unsafeWithout(models, flush, ORDERS)).length === 0) unseen++;
  }
  return [
    { subject, measure: 'flushes', value: count, unit: '' },
    { subject, measure: 'not noticed', value: unseen, unit: '', limit: { atMost: 0 } },
  ];
}

export const powerCuts: Benchmark = {
  name: 'power-cuts',
  title: 'An update, when the power goes',
  method:
    'The real agent lives on a disk in memory that knows what was flushed: five jobs, one of them differences, one a model that fails its trial, one a rollback. ' +
    'Before every act on the disk (write, rename, fsync, removal) of refresh, download, unpacking, trial, switch, rollback and garbage collection the power goes in eight ways: ' +
    'all kept, all lost, data torn, zeroed or lost, page by page, names lost, each by chance. One of the packages takes several writes a file. Then the box starts, must run what was promised, finish its job and take another update. Every second state is cut a second time at one of the first 80 acts of that. ' +
    `One of ${RUN_EVERY} states that differ is loaded into ONNX Runtime and has to reproduce its golden samples.`,
  layout: 'grids',
  needs: [],
  async run(place) {
    place.say('publishing');
    const models = await publishModels(place.scratch);
    place.say('cuts');
    const figures = await cuts(models, place);
    place.say('full disks');
    const full = await fullDisks(models, place);
    place.say('flushes');
    return {
      figures: [...figures, ...full, ...(await flushes(models))],
      notes: ['equal states are judged once'],
    };
  },
};
