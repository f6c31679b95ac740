import { availableParallelism } from 'node:os';
import type { ProgressListener, RunOptions } from '../progress.ts';
import { StageLog } from './stage-log.ts';

/** What all long work is given: a way to stop it, whom to tell, and what it may take. */
export interface RunContext extends RunOptions {
  readonly signal: AbortSignal;
  readonly onProgress: ProgressListener;
  /** Of one inference or training; measuring is always on one. */
  readonly threads: number;
  /** What took how long, and what a person should know. */
  readonly log: StageLog;
}

/** What callers say of it, all of which may be left out. */
export interface RunContextOptions extends RunOptions {
  /** @default up to 4 */
  readonly threads?: number | undefined;
  /** Told what a person should know. */
  readonly note?: ((text: string) => void) | undefined;
}

const MOST_THREADS = 4;

export const runContext = ({
  signal = new AbortController().signal,
  onProgress = () => {},
  threads = Math.min(MOST_THREADS, availableParallelism()),
  note,
}: RunContextOptions = {}): RunContext => ({ signal, onProgress, threads, log: new StageLog(note) });
