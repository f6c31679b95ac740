import { randomUUID } from 'node:crypto';
import { WaysideError } from '../../../core/errors.ts';
import type { Slot } from '../../store/layout.ts';
import { PROTOCOL_VERSION } from '../../trial/protocol.ts';
import type { Step } from '../planner.ts';
import { reasonText } from '../reason.ts';
import { TrialSession } from '../trial-session.ts';
import type { Work } from '../work.ts';

const v = PROTOCOL_VERSION;
const HOUR_MS = 3_600_000;

/** Has the daemon load the candidate beside what runs. */
export async function tryCandidate(
  { tools, settings, memory, limits, longestTrialHours }: Work,
  slot: Slot,
): Promise<void> {
  const { store, clock, tell } = tools;
  const model = (await store.snapshot()).slots[slot]?.model;
  if (model === undefined) {
    throw new WaysideError('STORE_STATE', { message: `slot ${slot} does not say what it holds` });
  }
  const { blockFrames } = settings;
  const longestMs = longestTrialHours * HOUR_MS;
  const session = new TrialSession({ id: randomUUID(), slot, limits, longestMs, clock });
  memory.session = session;
  memory.evidence = [];
  const told = tell({ v, type: 'try', trial: session.id, package: store.layout.package(slot), model, blockFrames });
  if (!told) memory.session = undefined;
}

export function takeOver({ tools, memory }: Work): void {
  const { session } = memory;
  if (session === undefined) return;
  tools.tell({ v, type: 'take-over', trial: session.id });
  session.tookOver();
}

/** From now on it runs: the store first, the daemon after it. */
export async function promote(work: Work, slot: Slot, reason: string): Promise<void> {
  await work.tools.store.promote(slot);
  endTrial(work, reason);
  work.tools.tell({ v, type: 'reload' });
}

/**
 * It is remembered as bad, unless it did not load because it was damaged on this disk: then it is fetched again.
 *
 * @throws {WaysideError} PACKAGE_INVALID, FILE_NOT_FOUND for what was damaged
 */
export async function reject(work: Work, { slot, reason, message }: Extract<Step, { do: 'reject' }>): Promise<void> {
  const { store } = work.tools;
  const text = message === '' ? reason : reasonText({ code: reason, message });
  const over = (): void => {
    if (work.memory.session === undefined) work.tools.tell({ v, type: 'reload' });
    endTrial(work, text);
  };
  if (reason === 'TRIAL_FAILED_TO_LOAD') {
    await store.requireWhole(slot).catch((damage: unknown) => {
      over();
      throw damage;
    });
  }
  await store.reject(slot, text);
  over();
}

/** Nothing is held against the candidate. */
export async function stopTrial(work: Work, slot: Slot, reason: string): Promise<void> {
  const { store } = work.tools;
  if ((await store.snapshot()).slots[slot]?.condition === 'trial') await store.stopTrial(slot, reason);
  endTrial(work, reason);
}

export async function interruptTrial({ tools, memory }: Work, slot: Slot): Promise<void> {
  if ((await tools.store.snapshot()).slots[slot]?.condition === 'trial') await tools.store.interruptTrial(slot);
  memory.session = undefined;
}

export async function rollBack({ tools, wanted }: Work): Promise<void> {
  await tools.store.rollBack(`job ${wanted.job} asked for it`);
  tools.tell({ v, type: 'reload' });
}

function endTrial({ tools, memory }: Work, reason: string): void {
  const { session } = memory;
  if (session === undefined) return;
  memory.evidence = session.evidence;
  memory.session = undefined;
  tools.tell({ v, type: 'end', trial: session.id, reason });
}
