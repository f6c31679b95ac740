import type { AccessUnit, Codec } from './nal.ts';

/** One picture on its way to the clients. */
export interface SourceFrame {
  /** Counts from 0 since the source began; a file that loops goes on counting. */
  readonly index: number;
  readonly unit: AccessUnit;
}

/** Where the pictures of a loopback camera come from. */
export interface VideoSource {
  readonly codec: Codec;
  /** Frames a second; frame `i` is presented at `i / fps`. */
  readonly fps: number;
  /**
   * Delivers frames in order, each when it is due, until the signal aborts or the source ends.
   *
   * @throws {WaysideError} VIDEO_SOURCE_FAILED
   */
  run(deliver: (frame: SourceFrame) => void, signal: AbortSignal): Promise<void>;
}

/**
 * Calls `step(i)` at `i / fps` after the first call, until the signal aborts or `step` answers false.
 *
 * A step that was late does not make the following ones early, save within one second: after that the schedule moves,
 * as when the machine slept.
 */
export async function paceFrames(
  fps: number,
  step: (index: number) => Promise<boolean>,
  signal: AbortSignal,
): Promise<void> {
  let origin = performance.now();
  for (let index = 0; !signal.aborted; index++) {
    const due = origin + (index * 1000) / fps;
    const late = performance.now() - due;
    if (late > 1000) origin += late;
    else if (late < 0) await delay(-late, signal);
    if (signal.aborted || !(await step(index))) return;
  }
}

function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
