import type { ErrorCode } from '../../core/error-codes.ts';
import { type Garbage, isEmpty } from '../store/garbage.ts';
import { type Place, SLOTS, type Slot } from '../store/layout.ts';
import type { SlotRecord, WantedRecord } from '../store/records.ts';
import { failedToLoad, type TrialReason } from '../trial/reasons.ts';
import { compareVersions } from '../version.ts';
import { readReason } from './reason.ts';
import type { DownloadedBundle, Reason, Situation, TrialUnderWay, TrustedTarget } from './situation.ts';

/** What is waited for. */
export type WaitedFor =
  | 'a job'
  | 'another attempt'
  | 'the time that the job names'
  | 'the maintenance window'
  | 'the daemon'
  | 'the trial'
  | 'room on the disk'
  | 'frames of the new model';

/** What the agent does next, exactly one thing; a wait says what for, and at the latest until when (ms since the epoch). */
export type Step =
  | { readonly do: 'look-up' }
  | { readonly do: 'download'; readonly target: TrustedTarget }
  | { readonly do: 'unpack'; readonly bundle: DownloadedBundle }
  | { readonly do: 'claim'; readonly slot: Slot }
  | { readonly do: 'begin-trial'; readonly slot: Slot }
  | { readonly do: 'try'; readonly slot: Slot }
  | { readonly do: 'take-over'; readonly slot: Slot }
  | {
      readonly do: 'promote';
      readonly slot: Slot;
      readonly reason: TrialReason | 'GOOD_BEFORE' | 'WITHOUT_TRIAL' | 'FIRST';
    }
  | { readonly do: 'reject'; readonly slot: Slot; readonly reason: TrialReason; readonly message: string }
  | { readonly do: 'stop-trial'; readonly slot: Slot; readonly reason: TrialReason }
  | { readonly do: 'interrupt-trial'; readonly slot: Slot }
  | { readonly do: 'roll-back' }
  | { readonly do: 'collect-garbage'; readonly garbage: Garbage }
  | {
      readonly do: 'close';
      readonly outcome: Exclude<WantedRecord['outcome'], 'open'>;
      readonly reason: Reason | undefined;
    }
  | { readonly wait: WaitedFor; readonly until?: number; readonly reason?: Reason };

/** A candidate whose trial ended so was not shown to be bad: another job may try it again. */
const NOT_ITS_FAULT: readonly string[] = [
  'TRIAL_INCONCLUSIVE',
  'TRIAL_INTERRUPTED',
  'TRIAL_ABORTED',
  'TRIAL_NO_FRAMES',
  'TRIAL_REFUSED',
] satisfies TrialReason[];

/** What a package is whose files are not what they were. */
const DAMAGED: readonly string[] = ['PACKAGE_INVALID', 'FILE_NOT_FOUND'] satisfies ErrorCode[];

/** A bundle, its package, the records and folders: what is written beside the bytes themselves. */
const OVERHEAD_BYTES = 1 << 20;
/** Packages are two to four times their bundles; where nothing is said, ten times are allowed for. */
const UNPACKED_TIMES = 10;

const refuse = (code: string, message: string): Step => ({
  do: 'close',
  outcome: 'refused',
  reason: { code, message },
});

const stop = (slot: Slot, reason: TrialReason): Step => ({ do: 'stop-trial', slot, reason });

/**
 * Decides what the agent does next. Pure: the same situation gives the same step, and what is done changes the situation, so that a
 * restart at any point goes on where the work was. Nothing is tried, and nothing runs, that was not unpacked from a bundle which the
 * repository has signed, or verified by hand.
 */
export function plan(situation: Situation): Step {
  const { wanted, trial, paused } = situation;
  if (trial?.ruling?.step === 'interrupted') return { do: 'interrupt-trial', slot: trial.slot };
  if (paused !== undefined && situation.now < paused.until) {
    return { wait: 'another attempt', until: paused.until, reason: paused.reason };
  }
  if (wanted === undefined) {
    if (trial !== undefined) return stop(trial.slot, 'TRIAL_ABORTED');
    const { always } = situation.garbage;
    return isEmpty(always) ? { wait: 'a job' } : { do: 'collect-garbage', garbage: always };
  }
  const refusal = refusalOf(situation, wanted);
  if (refusal !== undefined) return trial === undefined ? refusal : stop(trial.slot, 'TRIAL_ABORTED');
  return wanted.action === 'roll-back' ? planRollBack(situation, wanted) : planInstall(situation, wanted);
}

/** What no state of the box changes. */
function refusalOf({ model, store, badLimits }: Situation, wanted: WantedRecord): Step | undefined {
  const { name = model, version, action } = wanted;
  if (name !== model) return refuse('UPDATE_OTHER_MODEL', `this box runs ${model}, the job is for ${name}`);
  // What is taken back is not tried.
  if (action !== 'roll-back' && badLimits !== undefined) return refuse('JOB_INVALID', badLimits);
  const { minVersion } = store.jobs;
  if (action !== 'roll-back' && minVersion !== undefined && compareVersions(version, minVersion) < 0) {
    return refuse('UPDATE_BELOW_MINIMUM', `${version} is below ${minVersion}, the oldest that the repository allows`);
  }
  return undefined;
}

function planRollBack({ store, trial, installed }: Situation, wanted: WantedRecord): Step {
  if (trial !== undefined) return stop(trial.slot, 'TRIAL_ABORTED');
  const [running, next] = installed;
  if (running?.version !== wanted.version) return { do: 'close', outcome: 'rolled-back', reason: undefined };
  if (running.place === 'factory' || next === undefined) {
    return refuse('STORE_NOTHING_TO_ROLL_BACK', 'the package that came with the software runs already');
  }
  const { minVersion } = store.jobs;
  if (minVersion !== undefined && (next.version === undefined || compareVersions(next.version, minVersion) < 0)) {
    const message = `the version before it is ${next.version ?? 'unknown'}; the repository allows none below ${minVersion}`;
    return refuse('UPDATE_BELOW_MINIMUM', message);
  }
  return { do: 'roll-back' };
}

/** The slot that holds what this job asks for, put there or claimed for it. */
function slotOfJob({ store }: Situation, { job, version }: WantedRecord): Slot | undefined {
  return SLOTS.find((slot) => {
    const record = store.slots[slot];
    if (record === undefined || ['empty', 'writing'].includes(record.condition)) return false;
    return record.job === job && record.model?.version === version;
  });
}

function planInstall(situation: Situation, wanted: WantedRecord): Step {
  const { trial, now, windowOpensAt } = situation;
  const slot = slotOfJob(situation, wanted);
  if (trial !== undefined && trial.slot !== slot) return stop(trial.slot, 'TRIAL_ABORTED');
  const record = slot === undefined ? undefined : situation.store.slots[slot];
  if (slot !== undefined && record !== undefined && record.condition !== 'verified' && record.condition !== 'retired') {
    return planPlaced(situation, slot, record);
  }
  if (wanted.notBefore !== undefined && now < wanted.notBefore) {
    return { wait: 'the time that the job names', until: wanted.notBefore };
  }
  if (now < windowOpensAt) return { wait: 'the maintenance window', until: windowOpensAt };
  return slot === undefined || record === undefined
    ? planFetch(situation, wanted)
    : planPlaced(situation, slot, record);
}

/** What is wanted lies in a slot. */
function planPlaced(situation: Situation, slot: Slot, record: SlotRecord): Step {
  const { daemon, trial, installed, promoteWithoutTrial } = situation;
  switch (record.condition) {
    case 'bad':
      return { do: 'close', outcome: 'rolled-back', reason: readReason(record.reason ?? 'TRIAL_ABORTED') };
    case 'good':
      if (installed[0]?.place !== slot) return { do: 'promote', slot, reason: 'GOOD_BEFORE' };
      return planServed(situation, slot, record.model?.digest);
    case 'trial':
      // Nothing runs that it could be held against, nor that it could spoil: that it loads is all that can be asked.
      if (trial?.phase === 'shadow' && (trial.ruling?.step ?? 'take-over') === 'take-over' && nothingRuns(situation))
        return { do: 'promote', slot, reason: 'FIRST' };
      if (trial !== undefined) return planTrial(trial);
      return daemon === undefined ? { wait: 'the daemon' } : { do: 'try', slot };
    default:
      if (record.reason !== undefined && NOT_ITS_FAULT.includes(record.reason)) {
        return { do: 'close', outcome: 'failed', reason: readReason(record.reason) };
      }
      if (daemon !== undefined) return { do: 'begin-trial', slot };
      return promoteWithoutTrial ? { do: 'promote', slot, reason: 'WITHOUT_TRIAL' } : { wait: 'the daemon' };
  }
}

/** No model answers: the box has none of that name, or the daemon could load none of those that it has. */
function nothingRuns({ daemon, installed }: Situation): boolean {
  if (daemon === undefined || daemon.running !== undefined) return false;
  return installed.every(({ digest }) => daemon.unusable.some((each) => each.digest === digest));
}

/** It runs: the job is done when the daemon says that it answers. */
function planServed(
  { daemon, promoteWithoutTrial }: Pick<Situation, 'daemon' | 'promoteWithoutTrial'>,
  place: Place,
  digest: string | undefined,
): Step {
  const done: Step = { do: 'close', outcome: 'promoted', reason: undefined };
  if (daemon === undefined) return promoteWithoutTrial ? done : { wait: 'the daemon' };
  if (daemon.running?.digest === digest && (daemon.served ?? 0) > 0) return done;
  const unusable = daemon.unusable.find((each) => each.digest === digest);
  if (unusable === undefined || daemon.running?.digest === digest) return { wait: 'frames of the new model' };
  const message = `${unusable.code}: ${unusable.message}`;
  const reason = failedToLoad(unusable.code);
  if (place === 'factory' || reason === 'TRIAL_REFUSED')
    return { do: 'close', outcome: 'failed', reason: { code: reason, message } };
  // Damaged on this disk, and nothing but that: it is fetched again.
  if (DAMAGED.includes(unusable.code)) return { do: 'collect-garbage', garbage: { downloads: [], slots: [place] } };
  return { do: 'reject', slot: place, reason, message };
}

function planTrial({ slot, ruling }: TrialUnderWay): Step {
  switch (ruling?.step) {
    case undefined:
      return { wait: 'the trial' };
    case 'interrupted':
      return { do: 'interrupt-trial', slot };
    case 'take-over':
      return { do: 'take-over', slot };
    case 'promote':
      return { do: 'promote', slot, reason: ruling.reason };
    case 'roll-back':
      return NOT_ITS_FAULT.includes(ruling.reason)
        ? stop(slot, ruling.reason)
        : { do: 'reject', slot, reason: ruling.reason, message: ruling.message ?? '' };
  }
}

/** What is wanted is not there yet. */
function planFetch(situation: Situation, wanted: WantedRecord): Step {
  const { target, downloaded, daemon, promoteWithoutTrial } = situation;
  if (target === undefined) return { do: 'look-up' };
  if ('refused' in target) return refuse(target.refused.code, target.refused.message);
  const { trusted } = target;
  const digest = trusted.package ?? downloaded?.package;
  const known = digest === undefined ? undefined : planKnown(situation, wanted, digest);
  if (known !== undefined) return known;
  const { package: format } = trusted.formats;
  if (daemon === undefined && !promoteWithoutTrial) return { wait: 'the daemon' };
  if (daemon !== undefined && format !== undefined && !daemon.packageFormats.includes(format)) {
    const reads = daemon.packageFormats.join(', ');
    return refuse('UPDATE_FORMAT', `package format ${format}; the daemon of this box reads ${reads}`);
  }
  const parent = downloaded?.parent ?? trusted.parent;
  if (parent !== undefined && !situation.installed.some((each) => each.digest === parent)) {
    return refuse('BUNDLE_PARENT', `the bundle holds differences from ${parent}, which this box does not have`);
  }
  return (
    roomFor(situation, trusted) ??
    (downloaded ? { do: 'unpack', bundle: downloaded } : { do: 'download', target: trusted })
  );
}

/** The package was here before. */
function planKnown(
  { store, installed, daemon, promoteWithoutTrial }: Situation,
  wanted: WantedRecord,
  digest: string,
): Step | undefined {
  const failed = store.bad.models.find((model) => model.digest === digest);
  if (failed !== undefined) {
    return refuse('UPDATE_KNOWN_BAD', `version ${failed.version} failed its trial on this box: ${failed.reason}`);
  }
  const [running] = installed;
  if (running?.place === 'factory' && running.digest === digest && running.version === wanted.version) {
    return planServed({ daemon, promoteWithoutTrial }, 'factory', digest);
  }
  const slot = SLOTS.find((each) => {
    const record = store.slots[each];
    return record?.model?.digest === digest && ['verified', 'retired', 'good'].includes(record.condition);
  });
  if (slot === undefined) return undefined;
  const version = store.slots[slot]?.model?.version;
  if (version === wanted.version) return { do: 'claim', slot };
  return refuse('UPDATE_REFUSED', `what is signed as ${wanted.version} is version ${version}`);
}

function roomFor(situation: Situation, trusted: TrustedTarget): Step | undefined {
  const { downloaded, freeBytes, reservedBytes, garbage, now } = situation;
  const unpacked = downloaded?.unpackedBytes ?? trusted.unpackedBytes ?? UNPACKED_TIMES * trusted.bytes;
  const needed = unpacked + (downloaded === undefined ? trusted.bytes : 0) + reservedBytes + OVERHEAD_BYTES;
  if (freeBytes >= needed) return undefined;
  if (!isEmpty(garbage.forRoom)) return { do: 'collect-garbage', garbage: garbage.forRoom };
  const message = `${freeBytes} bytes are free, ${needed} are needed with the reserve`;
  return { wait: 'room on the disk', until: now + 600_000, reason: { code: 'UPDATE_NO_SPACE', message } };
}
