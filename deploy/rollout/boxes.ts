import type { ModelReportMessage } from '../../contract/messages/model-report.ts';
import type { BegunWave, Rollout } from '../../contract/messages/rollout.ts';
import { spreadSeconds } from './spread.ts';

/** What the office has heard of a box. */
export interface HeardBox {
  readonly id: string;
  readonly report: ModelReportMessage;
  /** When job, state, progress or frames served last changed, ms of the office's clock: the box's may be wrong. */
  readonly movedAt: number;
  /** When it was last heard, moved or not. */
  readonly heardAt: number;
}

/**
 * How far a box is in a wave.
 *
 * - `asked`: has not answered yet; `working`: says that it is at it; `proving`: runs the model and has not served enough
 * - `silent`: has not moved for too long, or not ended in time: counts as failed until it speaks
 */
export type Standing = 'asked' | 'working' | 'proving' | 'succeeded' | 'failed' | 'silent';

/** Whether a rollout means a box: any of its groups, any of its tags, any of its architectures; what names none means all. */
export function isMeant({ groups, tags, hardware }: Rollout['selection'], { report }: HeardBox): boolean {
  const any = (wanted: readonly string[], has: readonly string[]): boolean =>
    wanted.length === 0 || wanted.some((each) => has.includes(each));
  const { architecture, tags: own } = report.hardware;
  return any(groups, report.groups) && any(tags, own) && any(hardware, [architecture]);
}

/**
 * Nothing moved within the time, or not the end came: the last that is known of the box does not hold a wave for ever.
 *
 * @param spreadMs within which the box has its turn
 */
function isLate(
  startedAt: string,
  { movedAt, report }: HeardBox,
  { policy }: Rollout,
  now: number,
  spreadMs = 0,
): boolean {
  const began = Date.parse(startedAt);
  const silentMs = policy.silentMs + (report.state === 'waiting' ? spreadMs : 0);
  return now - Math.max(began, movedAt) >= silentMs || now - began >= policy.deadlineMs + spreadMs;
}

/**
 * Where a box of a wave is with its job. A box that spoke of the job once is believed until it speaks of another.
 *
 * @param job that it has to know
 */
export function standingOf(box: HeardBox, wave: BegunWave, job: number, rollout: Rollout, now: number): Standing {
  const { report } = box;
  const { model, policy, id } = rollout;
  const spreadMs = report.job < job ? 0 : 1000 * (spreadSeconds(rollout, wave) ?? 0);
  const late = isLate(wave.startedAt, box, rollout, now, spreadMs) ? 'silent' : undefined;
  const ours = report.rollout === id && report.wanted?.name === model.name && report.wanted.version === model.version;
  const runs = report.running?.name === model.name && report.running.version === model.version;
  // Also by an earlier job of this rollout: a wave that is tried again has a new one.
  if (ours && report.state === 'promoted' && runs && (report.served ?? 0) >= policy.minServed) return 'succeeded';
  if (report.job < job) return late ?? 'asked';
  // The job of another rollout has a higher number: this one's will be refused there.
  if (!ours) return 'failed';
  switch (report.state) {
    case 'promoted':
    case 'idle':
      return late ?? 'proving';
    case 'rolled-back':
    case 'refused':
    case 'failed':
      return 'failed';
    case 'waiting':
    case 'downloading':
    case 'verifying':
    case 'shadow':
    case 'probation':
      return late ?? 'working';
  }
}

/** Where a box is with the job that takes the model back: `succeeded` is back on another model, whatever it was told. */
export function takenBack(box: HeardBox, rollout: Rollout, now: number): Standing {
  const { takingBack, model } = rollout;
  if (takingBack === null) return 'asked';
  const { report } = box;
  const late = isLate(takingBack.startedAt, box, rollout, now) ? 'silent' : undefined;
  if (report.job < takingBack.job) return late ?? 'asked';
  const runs = report.running?.name === model.name && report.running.version === model.version;
  const ended = ['rolled-back', 'refused', 'failed', 'idle', 'promoted'].includes(report.state);
  if (!ended) return late ?? 'working';
  return runs ? 'failed' : 'succeeded';
}
