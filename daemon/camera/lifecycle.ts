import { backoffMs } from '../../core/backoff.ts';
import type { Backoff, CameraReason, CameraState } from './types.ts';

/** Everything that decides when a decoder lives and dies, without a clock, a timer or a process of its own. */
export interface Policy {
  readonly stallMs: number;
  readonly firstFrameMs: number;
  readonly backoff: Backoff;
}

export const DEFAULT_BACKOFF: Backoff = { firstMs: 1000, longestMs: 30_000, resetAfterMs: 10_000, refusedMs: 30_000 };
export const DEFAULT_STALL_MS = 3000;
/** A camera may take its time to answer each of four requests: six slow ones at once answered DESCRIBE after 4.5 s. */
export const DEFAULT_CONNECT_MS = 15_000;
/** Beyond the time to connect: one keyframe interval of a thrifty camera. */
export const DEFAULT_FIRST_FRAME_MS = 10_000;
export const DEFAULT_MAX_LAG_MS = 2000;
/** No camera is waited for longer between two frames. */
const LONGEST_SILENCE_MS = 120_000;
/** A camera is silent for three of its own intervals before it counts as silent. */
const INTERVALS = 3;
/** So many frames say what the interval of a camera is. */
const ENOUGH_FRAMES = 3;
/** The longest recent interval counts, and is forgotten within a hundred frames. */
const FORGETTING = 0.97;
/** ffmpeg takes 62 MB for 720p; sixteen reference images of 4K are 200 MB more. */
export const DEFAULT_MEMORY_LIMIT_BYTES = 512 * 2 ** 20;

/**
 * - `starting`: a decoder runs and has not delivered
 * - `live`: it delivers
 * - `ending`: it was killed and is not gone yet; the next one must not start beside it
 * - `waiting`: none runs; the next starts at `until`
 */
type Phase =
  | { readonly kind: 'starting'; readonly startedAt: number }
  | { readonly kind: 'live'; readonly liveSince: number; readonly lastFrameAt: number; readonly frames: number }
  /** `soon`: the next one is not waited for, since nothing failed. */
  | { readonly kind: 'ending'; readonly reason: CameraReason; readonly soon?: true }
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
  /** ms between frames: the longest of late, or as the camera announced it. Outlives connections; 0 while unknown. */
  readonly intervalMs: number;
  /** Doubled when a decoder was killed before the interval was known: a camera of one frame in 10 s must not be restarted for ever. */
  readonly patience: number;
}

/** All times in ms of one monotonic clock. `jitter` is uniform in [0, 1). */
export type LifeEvent =
  | { readonly kind: 'frame'; readonly at: number }
  | { readonly kind: 'ended'; readonly at: number; readonly reason: CameraReason; readonly jitter: number }
  | { readonly kind: 'tick'; readonly at: number }
  /** The camera was found; the decoder is started now, for frames that come about so often (0: not known). */
  | { readonly kind: 'found'; readonly at: number; readonly intervalMs: number }
  /** The decoder works and another one is wanted in its place. */
  | { readonly kind: 'replace'; readonly at: number; readonly reason: CameraReason }
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
    life: {
      phase: { kind: 'starting', startedAt: at },
      state: 'connecting',
      reason: undefined,
      failures: 0,
      intervalMs: 0,
      patience: 1,
    },
    action: 'start',
  };
}

/** When the next tick is due; undefined while only a child's end can change anything. */
export function deadlineOf(life: Life, policy: Policy): number | undefined {
  const { phase } = life;
  switch (phase.kind) {
    case 'starting':
      return phase.startedAt + firstFrameLimitOf(life, policy);
    case 'live':
      return phase.lastFrameAt + silenceAllowed(life, policy);
    case 'waiting':
      return phase.until;
    default:
      return undefined;
  }
}

/** How long a decoder may take until its first frame, ms. */
export function firstFrameLimitOf({ intervalMs, patience }: Life, { firstFrameMs }: Policy): number {
  return bounded(firstFrameMs, Math.max(firstFrameMs * patience, firstFrameMs + INTERVALS * intervalMs));
}

/** How long a live camera may be silent, ms: a camera at one frame in 10 s is not dead after 3 s. */
export function silenceAllowed({ phase, intervalMs, patience }: Life, { stallMs }: Policy): number {
  const known = phase.kind !== 'live' || phase.frames >= ENOUGH_FRAMES;
  return bounded(stallMs, Math.max(known ? 0 : stallMs * patience, INTERVALS * intervalMs));
}

const bounded = (least: number, wanted: number): number => Math.max(least, Math.min(LONGEST_SILENCE_MS, wanted));

const morePatience = (life: Life): number => Math.min(64, life.patience * 2);

/** How long to wait after the n-th failure in a row, n from 1. A refusal is not hastened by having succeeded before. */
function waitingTime(reason: CameraReason, failures: number, { backoff }: Policy, jitter: number): number {
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
    case 'found':
      return { life: onFound(life, event.at, event.intervalMs) };
    case 'replace':
      return onReplace(life, event.reason);
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
  return {
    life: { ...life, state: 'connecting', reason, failures, phase: { kind: 'ending', reason } },
    action: 'kill',
  };
}

/** The time to find the camera is not the decoder's. */
function onFound(life: Life, at: number, intervalMs: number): Life {
  if (life.phase.kind !== 'starting') return life;
  return { ...life, phase: { kind: 'starting', startedAt: at }, intervalMs: Math.max(life.intervalMs, intervalMs) };
}

function onReplace(life: Life, reason: CameraReason): Step {
  if (life.phase.kind !== 'starting' && life.phase.kind !== 'live') return { life };
  return {
    life: { ...life, state: 'connecting', reason, phase: { kind: 'ending', reason, soon: true } },
    action: 'kill',
  };
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
  if (phase.kind === 'live') {
    const frames = phase.frames + 1;
    const intervalMs = Math.max(at - phase.lastFrameAt, life.intervalMs * FORGETTING);
    const patience = frames > ENOUGH_FRAMES ? 1 : life.patience;
    return { ...life, intervalMs, patience, phase: { ...phase, lastFrameAt: at, frames } };
  }
  if (phase.kind !== 'starting') return life; // the last words of one already killed
  return {
    ...life,
    state: 'live',
    reason: undefined,
    phase: { kind: 'live', liveSince: at, lastFrameAt: at, frames: 1 },
  };
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
      const patience = life.phase.frames < ENOUGH_FRAMES ? morePatience(life) : life.patience;
      const next: Life = { ...life, state: 'stalled', reason, failures, patience, phase: { kind: 'ending', reason } };
      return { life: next, action: 'kill' };
    }
    default: {
      const reason = lost(`no first frame within ${Math.round(firstFrameLimitOf(life, policy))} ms`);
      const patience = morePatience(life);
      return { life: { ...life, reason, patience, phase: { kind: 'ending', reason } }, action: 'kill' };
    }
  }
}

function onEnded(life: Life, event: Extract<LifeEvent, { kind: 'ended' }>, policy: Policy): Life {
  const { phase } = life;
  if (phase.kind === 'stopping') return { ...life, phase: { kind: 'stopped' } };
  if (phase.kind === 'waiting') return life;
  if (phase.kind === 'ending' && phase.soon) return { ...life, phase: { kind: 'waiting', until: event.at } };
  const killed = phase.kind === 'ending';
  const reason = killed ? phase.reason : event.reason;
  const reset = phase.kind === 'live' && livedLong(phase, event.at, policy);
  const failures = (reset ? 0 : life.failures) + 1;
  const until = event.at + waitingTime(reason, failures, policy, event.jitter);
  return {
    ...life,
    state: stateAfter(life.state, reason, killed),
    reason,
    failures,
    phase: { kind: 'waiting', until },
  };
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
