import { backoffMs } from '../backoff.ts';
import type { Backoff, CameraReason, CameraState } from './types.ts';

/** Everything that decides when a decoder lives and dies, without a clock, a timer or a process of its own. */
export interface Policy {
  readonly stallMs: number;
  readonly firstFrameMs: number;
  readonly backoff: Backoff;
}

export const DEFAULT_BACKOFF: Backoff = { firstMs: 1000, longestMs: 30_000, resetAfterMs: 10_000, refusedMs: 30_000 };
export const DEFAULT_STALL_MS = 3000;
export const DEFAULT_FIRST_FRAME_MS = 10_000;
/** ffmpeg takes 62 MB for 720p; sixteen reference pictures of 4K are 200 MB more. */
export const DEFAULT_MEMORY_LIMIT_BYTES = 512 * 2 ** 20;

/**
 * - `starting`: a decoder runs and has not delivered
 * - `live`: it delivers
 * - `ending`: it was killed and is not gone yet; the next one must not start beside it
 * - `waiting`: none runs; the next starts at `until`
 */
export type Phase =
  | { readonly kind: 'starting'; readonly startedAt: number }
  | { readonly kind: 'live'; readonly liveSince: number; readonly lastFrameAt: number }
  | { readonly kind: 'ending'; readonly reason: CameraReason }
  | { readonly kind: 'waiting'; readonly until: number }
  | { readonly kind: 'stopping' }
  | { readonly kind: 'stopped' };

export interface Life {
  readonly phase: Phase;
  /** What the world is told. */
  readonly state: CameraState;
  readonly reason: CameraReason | undefined;
  /** Failures since the last stream that lived long enough. */
  readonly failures: number;
}

/** All times in ms of one monotonic clock. `jitter` is uniform in [0, 1). */
export type LifeEvent =
  | { readonly kind: 'frame'; readonly at: number }
  | { readonly kind: 'ended'; readonly at: number; readonly reason: CameraReason; readonly jitter: number }
  | { readonly kind: 'tick'; readonly at: number }
  /** The decoder takes more memory than it may. */
  | { readonly kind: 'grown'; readonly at: number; readonly message: string }
  | { readonly kind: 'stop'; readonly at: number };

export interface Step {
  readonly life: Life;
  readonly action?: 'start' | 'kill';
}

/** The first step: a decoder is to be started. */
export function beginLife(at: number): Step {
  return {
    life: { phase: { kind: 'starting', startedAt: at }, state: 'connecting', reason: undefined, failures: 0 },
    action: 'start',
  };
}

/** When the next tick is due; undefined while only a child's end can change anything. */
export function deadlineOf({ phase }: Life, policy: Policy): number | undefined {
  switch (phase.kind) {
    case 'starting':
      return phase.startedAt + policy.firstFrameMs;
    case 'live':
      return phase.lastFrameAt + policy.stallMs;
    case 'waiting':
      return phase.until;
    default:
      return undefined;
  }
}

/** How long to wait after the n-th failure in a row, n from 1. A refusal is not hastened by having succeeded before. */
export function waitingTime(reason: CameraReason, failures: number, { backoff }: Policy, jitter: number): number {
  const { refusedMs } = backoff;
  const plan = reason.code === 'CAMERA_REFUSED' ? { firstMs: refusedMs, longestMs: refusedMs } : backoff;
  return backoffMs(plan, failures, jitter);
}

/** What follows from an event. Pure: the same life and event always give the same step. */
export function step(life: Life, event: LifeEvent, policy: Policy): Step {
  const { phase } = life;
  if (phase.kind === 'stopped') return { life };
  switch (event.kind) {
    case 'stop':
      return stop(life);
    case 'frame':
      return { life: onFrame(life, event.at) };
    case 'tick':
      return onTick(life, event.at, policy);
    case 'grown':
      return onGrown(life, event, policy);
    case 'ended':
      return { life: onEnded(life, event, policy) };
  }
}

function onGrown(life: Life, { at, message }: Extract<LifeEvent, { kind: 'grown' }>, policy: Policy): Step {
  const { phase } = life;
  if (phase.kind !== 'starting' && phase.kind !== 'live') return { life };
  const reason = lost(message);
  const failures = phase.kind === 'live' && livedLong(phase, at, policy) ? 0 : life.failures;
  return { life: { state: 'connecting', reason, failures, phase: { kind: 'ending', reason } }, action: 'kill' };
}

function stop(life: Life): Step {
  const next: Life = { ...life, state: 'stopped', reason: undefined, phase: { kind: 'stopping' } };
  switch (life.phase.kind) {
    case 'starting':
    case 'live':
      return { life: next, action: 'kill' };
    case 'waiting':
      return { life: { ...next, phase: { kind: 'stopped' } } };
    default:
      return { life: next };
  }
}

function onFrame(life: Life, at: number): Life {
  const { phase } = life;
  if (phase.kind === 'live') return { ...life, phase: { ...phase, lastFrameAt: at } };
  if (phase.kind !== 'starting') return life; // the last words of one already killed
  return { ...life, state: 'live', reason: undefined, phase: { kind: 'live', liveSince: at, lastFrameAt: at } };
}

function onTick(life: Life, at: number, policy: Policy): Step {
  const due = deadlineOf(life, policy);
  if (due === undefined || at < due) return { life };
  switch (life.phase.kind) {
    case 'waiting':
      return { life: { ...life, phase: { kind: 'starting', startedAt: at } }, action: 'start' };
    case 'live': {
      const reason = lost(`no frame for ${Math.round(at - life.phase.lastFrameAt)} ms`);
      const failures = livedLong(life.phase, life.phase.lastFrameAt, policy) ? 0 : life.failures;
      return { life: { state: 'stalled', reason, failures, phase: { kind: 'ending', reason } }, action: 'kill' };
    }
    default: {
      const reason = lost(`no first frame within ${policy.firstFrameMs} ms`);
      return { life: { ...life, reason, phase: { kind: 'ending', reason } }, action: 'kill' };
    }
  }
}

function onEnded(life: Life, event: Extract<LifeEvent, { kind: 'ended' }>, policy: Policy): Life {
  const { phase } = life;
  if (phase.kind === 'stopping') return { ...life, phase: { kind: 'stopped' } };
  if (phase.kind === 'waiting') return life;
  const killed = phase.kind === 'ending';
  const reason = killed ? phase.reason : event.reason;
  const reset = phase.kind === 'live' && livedLong(phase, event.at, policy);
  const failures = (reset ? 0 : life.failures) + 1;
  const until = event.at + waitingTime(reason, failures, policy, event.jitter);
  return { state: stateAfter(life.state, reason, killed), reason, failures, phase: { kind: 'waiting', until } };
}

/** A stall lasts until frames flow again or the camera says something clearer than silence. */
function stateAfter(state: CameraState, reason: CameraReason, killed: boolean): CameraState {
  if (reason.code === 'CAMERA_REFUSED') return 'refused';
  return killed ? state : 'connecting';
}

function livedLong(phase: Extract<Phase, { kind: 'live' }>, until: number, { backoff }: Policy): boolean {
  return until - phase.liveSince >= backoff.resetAfterMs;
}

function lost(message: string): CameraReason {
  return { code: 'CAMERA_LOST', message };
}
