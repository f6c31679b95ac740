import type { InferenceEnd } from './client.ts';
import type { Ready, Result } from './protocol.ts';

/** What came of a frame at one model. */
export interface Outcome {
  readonly ready: Ready;
  /** Undefined where it could not analyse the frame. */
  readonly result: Result | undefined;
}

/** What both models made of a frame. */
export interface Compared<Frame> {
  readonly frame: Frame;
  readonly running: Outcome;
  readonly candidate: Outcome;
}

export interface PairListeners<Frame> {
  /** This model answers from now on: another one than before, or the same in a new process. */
  readonly onReady: (ready: Ready) => void;
  /** `ready` is what the process that answered said of itself: a frame may have been handed on. */
  readonly onResult: (result: Result, frame: Frame, ready: Ready) => void;
  readonly onLost: (frames: readonly Frame[], reason: string) => void;
  /** The candidate failed on a frame: the running model gets it. */
  readonly onHandedOn: (frame: Frame, reason: string) => void;
  /** Nobody reads the image of a frame any more. */
  readonly onRead: (frame: Frame) => void;
  /** There may be time for a frame. */
  readonly onFree: () => void;
  readonly onChange: () => void;
  /** The running model has been loaded by a process. */
  readonly onLoaded: () => void;
  readonly onEnd: (end: InferenceEnd, failures: number) => void;
}

export interface CandidateListeners<Frame> {
  readonly onReady: (ready: Ready) => void;
  readonly onEnd: (end: InferenceEnd) => void;
  readonly onCompared: (compared: Compared<Frame>) => void;
  /** The model that shadows was too slow for a frame, or not there. */
  readonly onMissed: () => void;
  /** Whether the candidate answers: also when it fell, and when it is back. */
  readonly onAnswers: (candidate: boolean) => void;
}
