/** One step of long work, for a progress bar or a log line. */
export interface Progress {
  /** What is being done, as a person would say it: `calibrating`, `evaluating float model`. */
  readonly stage: string;
  readonly done: number;
  /** Absent while unknown. */
  readonly total?: number;
  /** What else is known by now, in a few words: `loss 1.203, 61.2 %`. */
  readonly detail?: string;
}

export type ProgressListener = (progress: Progress) => void;

/** What every long function takes last: a way to stop it and someone to tell. */
export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ProgressListener | undefined;
}
