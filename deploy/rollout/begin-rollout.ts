import { randomBytes } from 'node:crypto';
import type { Rollout, RolloutPolicy } from '../../contract/messages/rollout.ts';
import { WaysideError } from '../../core/errors.ts';
import { isMeant } from './boxes.ts';
import type { Change } from './office.ts';
import { begin, goOn, isEnded, takeBack } from './planner.ts';

type RolloutRequest = Pick<Rollout, 'model' | 'selection' | 'waves'> & {
  readonly policy: RolloutPolicy;
  readonly limits?: Rollout['limits'];
  readonly startedBy: string;
};

export const DEFAULT_POLICY: RolloutPolicy = {
  automatic: true,
  success: 0.98,
  failures: 0.02,
  silentMs: 30 * 60_000,
  deadlineMs: 24 * 3_600_000,
  minServed: 100,
  onFailure: 'stop',
};

/** `vehicles-2-3f9a01`: for a person to tell apart, and no other one before it. */
const idOf = ({ name, version }: Rollout['model']): string =>
  `${name}-${version}`
    .replaceAll(/[^A-Za-z0-9_-]/g, '-')
    .slice(0, 50)
    .concat('-', randomBytes(3).toString('hex'));

/** @throws {WaysideError} ROLLOUT_ACTIVE, ROLLOUT_NO_BOXES */
export const starting =
  (request: RolloutRequest): Change =>
  (before, boxes, nextJob) => {
    if (before !== null && !isEnded(before))
      throw new WaysideError('ROLLOUT_ACTIVE', {
        message: `rollout ${before.id}, begun by ${before.startedBy}, is ${before.state}`,
        hint: '`wayside rollout abort` or `rollback` ends it, `resume` goes on with it',
      });
    const meant = boxes.filter((box) => isMeant(request.selection, box));
    if (meant.length === 0)
      throw new WaysideError('ROLLOUT_NO_BOXES', {
        message: `of ${boxes.length} boxes that report, none is of the groups, tags and hardware asked for`,
        hint: 'a broker that gives wildcard subscribers nothing retained needs --gather 11m: boxes repeat their reports every 10 minutes',
      });
    const now = Date.now();
    const rollout: Rollout = {
      ...request,
      id: idOf(request.model),
      startedAt: new Date(now).toISOString(),
      state: 'running',
      reason: null,
      begun: [],
      takingBack: null,
    };
    return begin(rollout, meant, now, nextJob);
  };

/** What an operator may do to a rollout, and when. */
const present = (before: Rollout | null, states: readonly Rollout['state'][], what: string): Rollout => {
  if (before !== null && states.includes(before.state)) return before;
  const found = before === null ? 'there is none' : `rollout ${before.id} is ${before.state}`;
  throw new WaysideError('ROLLOUT_NONE', {
    message: `no rollout to ${what}: ${found}`,
    hint: 'see `wayside rollout status`',
  });
};

export const pausing: Change = (before) => ({
  ...present(before, ['running', 'waiting'], 'pause'),
  state: 'paused',
});

/** Also goes on with a running one whose office is gone. */
export const resuming: Change = (before, boxes, nextJob) => {
  const rollout = present(before, ['running', 'waiting', 'paused', 'stopped', 'rolling-back'], 'resume');
  return rollout.state === 'running' || rollout.state === 'rolling-back'
    ? rollout
    : goOn(rollout, boxes, Date.now(), nextJob);
};

export const aborting: Change = (before) => ({
  ...present(before, ['running', 'waiting', 'paused', 'stopped', 'rolling-back'], 'abort'),
  state: 'aborted',
  reason: { code: 'ROLLOUT_ABORTED', message: 'an operator ended it' },
});

/** Takes the model back from every box that was given it; also after the end. */
export const rollingBack: Change = (before, _boxes, nextJob) =>
  takeBack(
    {
      ...present(before, ['running', 'waiting', 'paused', 'stopped', 'completed', 'aborted'], 'roll back'),
      reason: { code: 'ROLLOUT_TAKEN_BACK', message: 'an operator takes the model back' },
    },
    0,
    Date.now(),
    nextJob,
  );
