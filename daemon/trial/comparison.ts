import type { FromDaemon } from '../../deploy/trial/protocol.ts';
import type { Outcome } from '../inference/pair-listeners.ts';
import type { Result } from '../inference/protocol.ts';

export type BlockMessage = Extract<FromDaemon, { type: 'block' }>['block'];

/** What a model answered to a frame. */
export interface Answered extends Outcome {
  readonly result: Result;
}

/** What a block says of answers, beside what it says of the models. */
type ComparedAnswers = Pick<BlockMessage, 'classShift' | 'disagreement' | 'scoreDrift' | 'boxes' | 'lines'>;

/** Sets what two models answered to the same frames against each other: how depends on what they answer. */
export interface Comparison<Frame> {
  /** A frame that the running model analysed, before the length of blocks is known. */
  measure(frame: Frame, running: Answered): void;
  /** For how many frames, of all cameras together, what is answered stays alike. */
  longestTime(): number;
  /** A frame that both analysed. */
  compare(frame: Frame, running: Answered, candidate: Answered): void;
  /** Of what was compared since it was last cleared. */
  block(): ComparedAnswers;
  clear(): void;
}

/** Of a message: what is left out of many classes moved least. */
const MOST_CLASSES = 2000;
const MOST_LABEL = 200;
const MOST_BYTES = 96 * 1024;

/** A name of a class, as long as the protocol takes one. */
export const classKey = (label: string): string => label.slice(0, MOST_LABEL);

/** How much more of each class the candidate answered. */
export class ClassShift {
  readonly #counts = new Map<string, number>();

  move(label: string, by: number): void {
    this.#counts.set(label, (this.#counts.get(label) ?? 0) + by);
  }

  /** @param taken bytes of a message that other things need */
  shares(total: number, taken = 0): Record<string, number> {
    const sorted = [...this.#counts].sort(([, a], [, b]) => Math.abs(b) - Math.abs(a)).slice(0, MOST_CLASSES);
    const kept: [string, number][] = [];
    let bytes = taken;
    for (const [label, count] of sorted) {
      bytes += Buffer.byteLength(JSON.stringify(label)) + 25; // a double in digits, colon and comma
      if (bytes > MOST_BYTES) break;
      kept.push([label, Math.max(-1, Math.min(1, count / Math.max(1, total)))]);
    }
    return Object.fromEntries(kept);
  }

  clear(): void {
    this.#counts.clear();
  }
}
