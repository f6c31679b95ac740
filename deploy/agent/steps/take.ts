import type { Step } from '../planner.ts';
import { reasonText } from '../reason.ts';
import type { Work } from '../work.ts';
import { download, unpack } from './fetch.ts';
import { lookUp } from './look-up.ts';
import { interruptTrial, promote, reject, rollBack, stopTrial, takeOver, tryCandidate } from './trial.ts';

/** Takes a step that was decided. @throws {WaysideError} what the step throws */
export async function take(step: Extract<Step, { do: string }>, work: Work): Promise<void> {
  const { store } = work.tools;
  switch (step.do) {
    case 'collect-garbage':
      return store.collectGarbage(step.garbage);
    case 'look-up':
      return lookUp(work);
    case 'download':
      return download(work, step.target);
    case 'unpack':
      return unpack(work, step.bundle);
    case 'claim':
      return store.claim(step.slot, work.wanted.job);
    case 'begin-trial':
      return store.beginTrial(step.slot, work.wanted.job);
    case 'try':
      return tryCandidate(work, step.slot);
    case 'take-over':
      return takeOver(work);
    case 'promote':
      return promote(work, step.slot, step.reason);
    case 'reject':
      return reject(work, step);
    case 'stop-trial':
      return stopTrial(work, step.slot, step.reason);
    case 'interrupt-trial':
      return interruptTrial(work, step.slot);
    case 'roll-back':
      return rollBack(work);
    case 'close':
      return store.jobs.close(step.outcome, step.reason && reasonText(step.reason));
  }
}
