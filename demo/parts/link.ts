import type { SceneClass } from '../scene/types.ts';

/** What is true of one region of one frame: see `scene/truth.ts`. */
export interface RegionAnswer {
  readonly class: SceneClass;
  readonly contested: boolean;
}

/** What the camera process tells the demonstration, over Node's channel between processes. */
export type CameraReport =
  | { readonly type: 'ready'; readonly url: string }
  /** A client began to receive: its time 0 is scene frame `firstFrame`. `at`: ms since 1970, as all times here. */
  | { readonly type: 'session'; readonly firstFrame: number; readonly at: number }
  /** A frame left for the clients. `truth` in the order of `PLACES`. */
  | { readonly type: 'frame'; readonly index: number; readonly at: number; readonly truth: readonly RegionAnswer[] }
  | { readonly type: 'failed'; readonly code: string; readonly message: string; readonly hint?: string };

/** ms since 1970 without the jumps of the wall clock while the process runs. */
export const nowMs = (): number => performance.timeOrigin + performance.now();

/**
 * Aborts when the process that started this one is gone, however it ended: the channel closes with it. Ctrl-C reaches the
 * whole terminal; ending in order is the starter's business.
 */
export function untilOrphaned(): AbortSignal {
  const orphaned = new AbortController();
  process.on('disconnect', () => orphaned.abort());
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => orphaned.abort());
  if (process.channel === undefined) orphaned.abort();
  return orphaned.signal;
}
