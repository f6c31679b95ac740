import type { BegunWave, Rollout } from '../../contract/messages/rollout.ts';
import { type HeardBox, isMeant, type Standing, standingOf, takenBack } from './boxes.ts';
import { type GroupJob, groupJobOf, jobOf, wholeGroups } from './group-jobs.ts';
import { spreadSeconds } from './spread.ts';
import { rankOf, upTo } from './waves.ts';

/** The boxes of one wave, without those of the waves before it. */
export interface WaveStanding {
  readonly name: string;
  readonly wave: BegunWave;
  readonly members: readonly { readonly box: HeardBox; readonly standing: Standing }[];
  readonly count: Readonly<Record<Standing, number>>;
  /** Known when it began, or known now, whichever is more: what shares are of. */
  readonly size: number;
  /** Known when it began and not heard of since this office listens. */
  readonly unheard: number;
}

/** What a box is told; the same job may be sent again and again. */
export interface Order {
  readonly job: number;
  readonly action: 'install' | 'roll-back';
  /** When the box was last heard and did not know of it. */
  readonly unknownAt: number | undefined;
  /** It stands on the topic of a group that the box is in. */
  readonly byGroup: boolean;
  /** Within how long who hears it begins; undefined: at once. */
  readonly spreadSeconds: number | undefined;
}

export interface Plan {
  /** The rollout as it is now: another object than what was given, where something changed. */
  readonly rollout: Rollout;
  readonly waves: readonly WaveStanding[];
  /** What each box that has not ended should have on its topic. */
  readonly orders: ReadonlyMap<string, Order>;
  /** Boxes whose order is taken off their topic. */
  readonly withdrawn: readonly string[];
  readonly group: GroupJob | undefined;
}

const NONE: Readonly<Record<Standing, number>> = {
  asked: 0,
  working: 0,
  proving: 0,
  succeeded: 0,
  failed: 0,
  silent: 0,
};

/** How the waves that have begun stand. A box that came to be known later belongs to the wave that its rank says. */
export function standings(rollout: Rollout, boxes: Iterable<HeardBox>, now: number, hearingSince = 0): WaveStanding[] {
  const meant = [...boxes].filter((box) => isMeant(rollout.selection, box));
  const ranked = meant.map((box) => ({ box, rank: rankOf(rollout.id, box.id) }));
  return rollout.begun.map((wave, index) => {
    const from = rollout.begun[index - 1]?.upTo ?? -1;
    const back = rollout.takingBack !== null && index >= rollout.takingBack.fromWave;
    const members = ranked
      .filter(({ rank }) => rank > from && rank <= wave.upTo)
      .map(({ box }) => ({
        box,
        standing: back
          ? takenBack(box, rollout, now)
          : standingOf(box, wave, jobOf(box, wave, rollout).job, rollout, now),
      }));
    const unheard = Math.max(0, wave.boxes - members.length);
    const count = { ...NONE };
    for (const { standing } of members) count[standing]++;
    const told = Date.parse(back ? (rollout.takingBack?.startedAt ?? wave.startedAt) : wave.startedAt);
    const since = Math.max(told, hearingSince);
    count[now - since >= rollout.policy.silentMs ? 'silent' : 'asked'] += unheard;
    return { name: rollout.waves[index] ?? '', wave, members, count, size: members.length + unheard, unheard };
  });
}

/** A share of 29 boxes counts whole boxes, and 0.98 of 50 is 49 in spite of doubles. */
const EPSILON = 1e-9;
const failedOf = ({ count }: WaveStanding): number => count.failed + count.silent;
const tooManyFailed = (wave: WaveStanding, { policy }: Rollout): boolean =>
  failedOf(wave) > policy.failures * wave.size + EPSILON;
const enoughSucceeded = ({ count, size }: WaveStanding, { policy }: Rollout): boolean =>
  count.succeeded >= policy.success * size - EPSILON;
const allSettled = ({ count }: WaveStanding): boolean => count.asked + count.working + count.proving === 0;

const sentence = (wave: WaveStanding): string => {
  const { name, count, size } = wave;
  const silent = count.silent > 0 ? `, ${count.silent} of them by silence` : '';
  return `wave ${name}: ${failedOf(wave)} of ${size} boxes failed${silent}, ${count.succeeded} succeeded`;
};

/**
 * What to do next, from what is known alone: no clock is read, nothing is sent, and it may be asked at any time, by any
 * office.
 *
 * Silent boxes hold nothing: the next wave begins as soon as enough have succeeded, and the rollout stops as soon as too
 * many have failed; between the two it waits, for at most the longest time of a box.
 *
 * @param now ms since the epoch
 * @param nextJob gives a number above every one that was ever given
 * @param hearingSince ms since the epoch from which on the office hears: what it could not hear before is nobody's silence
 */
export function plan(
  rollout: Rollout,
  boxes: Iterable<HeardBox>,
  now: number,
  nextJob: () => number,
  hearingSince = 0,
): Plan {
  const heard = [...boxes].map((box) => (box.movedAt < hearingSince ? { ...box, movedAt: hearingSince } : box));
  const waves = standings(rollout, heard, now, hearingSince);
  const next = decided(rollout, waves, heard, now, nextJob);
  const after = next === rollout ? waves : standings(next, heard, now, hearingSince);
  return {
    rollout: next,
    waves: after,
    orders: ordersOf(next, after),
    withdrawn: withdrawnOf(next, after),
    group: groupJobOf(next, isHalted(next)),
  };
}

function decided(
  rollout: Rollout,
  waves: readonly WaveStanding[],
  boxes: readonly HeardBox[],
  now: number,
  nextJob: () => number,
): Rollout {
  const { state, policy } = rollout;
  if (state === 'rolling-back')
    return waves.slice(rollout.takingBack?.fromWave).every(allSettled) ? { ...rollout, state: 'rolled-back' } : rollout;
  if (state !== 'running' && state !== 'waiting') return rollout;
  const bad = waves.findIndex((each) => tooManyFailed(each, rollout));
  if (bad >= 0) return failedAt(rollout, waves, bad, now, nextJob);
  const current = waves.at(-1);
  if (current === undefined) return begin(rollout, boxes, now, nextJob);
  if (state === 'waiting') return rollout;
  if (!enoughSucceeded(current, rollout)) {
    if (!allSettled(current)) return rollout;
    return { ...rollout, state: 'stopped', reason: { code: 'ROLLOUT_SHORT', message: sentence(current) } };
  }
  if (waves.length === rollout.waves.length) return { ...rollout, state: 'completed' };
  return policy.automatic ? begin(rollout, boxes, now, nextJob) : { ...rollout, state: 'waiting' };
}

function failedAt(
  rollout: Rollout,
  waves: readonly WaveStanding[],
  bad: number,
  now: number,
  nextJob: () => number,
): Rollout {
  const { onFailure } = rollout.policy;
  const reason = { code: 'ROLLOUT_FAILURES', message: waves[bad] === undefined ? '' : sentence(waves[bad]) };
  if (onFailure === 'stop') return { ...rollout, state: 'stopped', reason };
  return takeBack({ ...rollout, reason }, onFailure === 'roll-back-all' ? 0 : bad, now, nextJob);
}

/** Takes the model back from the boxes of a wave and of those after it. */
export const takeBack = (rollout: Rollout, fromWave: number, now: number, nextJob: () => number): Rollout => ({
  ...rollout,
  state: 'rolling-back',
  takingBack: { job: nextJob(), startedAt: new Date(now).toISOString(), fromWave },
});

/** Begins the next wave. Its bound is written down: whoever goes on needs no list of boxes. */
export function begin(rollout: Rollout, boxes: readonly HeardBox[], now: number, nextJob: () => number): Rollout {
  const name = rollout.waves[rollout.begun.length];
  if (name === undefined) return rollout;
  const meant = boxes.filter((box) => isMeant(rollout.selection, box));
  const ranks = meant.map(({ id }) => rankOf(rollout.id, id));
  const before = rollout.begun.at(-1)?.upTo ?? -1;
  // `all` reaches boxes that are not known yet.
  const bound = name === 'all' ? Number.MAX_SAFE_INTEGER : Math.max(before, upTo(name, ranks));
  const members = ranks.filter((rank) => rank > before && rank <= bound).length;
  const names = name === 'all' ? wholeGroups(rollout.selection, meant) : [];
  const job = nextJob();
  const wave: BegunWave = {
    job,
    startedAt: new Date(now).toISOString(),
    upTo: bound,
    boxes: members,
    ...(names.length === 0 ? {} : { group: { names, job: Math.min(job, ...rollout.begun.map((each) => each.job)) } }),
  };
  return { ...rollout, state: 'running', reason: null, begun: [...rollout.begun, wave] };
}

/**
 * Goes on after a pause, at a gate, or after a stop. A wave that was stopped is tried again under a new job: a box refuses
 * the number that it has seen.
 */
export function goOn(rollout: Rollout, boxes: readonly HeardBox[], now: number, nextJob: () => number): Rollout {
  if (rollout.state === 'waiting') return begin(rollout, boxes, now, nextJob);
  if (rollout.state !== 'stopped') return { ...rollout, state: 'running', reason: null };
  const again = { job: nextJob(), startedAt: new Date(now).toISOString() };
  const waves = standings(rollout, boxes, now);
  const begun = rollout.begun.map((each, index) =>
    index === rollout.begun.length - 1 || (waves[index] !== undefined && tooManyFailed(waves[index], rollout))
      ? { ...each, ...again, ...(each.group === undefined ? {} : { group: { ...each.group, job: null } }) }
      : each,
  );
  return { ...rollout, state: 'running', reason: null, begun };
}

/** Where nothing more is to begin: boxes that are at it go on, and their own trial judges. */
const isHalted = ({ state }: Rollout): boolean => state === 'aborted' || state === 'stopped' || state === 'paused';

function ordersOf(rollout: Rollout, waves: readonly WaveStanding[]): Map<string, Order> {
  const orders = new Map<string, Order>();
  if (isHalted(rollout)) return orders;
  const { takingBack } = rollout;
  for (const [index, { wave, members }] of waves.entries()) {
    const back = takingBack !== null && index >= takingBack.fromWave ? takingBack : undefined;
    for (const { box, standing } of members) {
      // A silent box may join later: its job stays.
      if (standing === 'succeeded' || standing === 'failed') continue;
      const { job, byGroup } = back === undefined ? jobOf(box, wave, rollout) : { job: back.job, byGroup: false };
      const unknownAt = box.report.job < job ? box.heardAt : undefined;
      const spread = back === undefined ? spreadSeconds(rollout, wave) : undefined;
      const action = back === undefined ? 'install' : 'roll-back';
      orders.set(box.id, { job, action, unknownAt, byGroup, spreadSeconds: spread });
    }
  }
  return orders;
}

/** A box that comes back next month must not find the order of a rollout that was stopped. */
const withdrawnOf = (rollout: Rollout, waves: readonly WaveStanding[]): string[] =>
  isHalted(rollout)
    ? waves
        .flatMap(({ members }) => members)
        .filter(({ standing }) => standing === 'asked' || standing === 'silent')
        .map(({ box }) => box.id)
    : [];

export const isEnded = ({ state }: Rollout): boolean =>
  state === 'completed' || state === 'aborted' || state === 'rolled-back';
