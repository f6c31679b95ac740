import type { RegionAnswer } from './parts/link.ts';
import { CLASSES, type SceneClass } from './scene/types.ts';

interface ClassFigures {
  readonly class: SceneClass;
  /** Regions that truly showed the class. */
  readonly n: number;
  /** Share of them named rightly; null without any. */
  readonly accuracy: number | null;
}

export interface Accuracy {
  /** Regions of analysed frames, every one of them. */
  readonly n: number;
  readonly accuracy: number | null;
  /** Those whose truth is clear, and the contested rest (`scene/truth.ts`). */
  readonly clear: { readonly n: number; readonly accuracy: number | null };
  readonly contested: { readonly n: number; readonly accuracy: number | null };
  readonly classes: readonly ClassFigures[];
  /** `confusion[truth][answer]`, in the order of `CLASSES`. */
  readonly confusion: readonly (readonly number[])[];
  /** Frames whose truth was not known when their answer came; in none of the figures. */
  readonly unmatchedFrames: number;
}

const share = (right: number, n: number): number | null => (n === 0 ? null : right / n);

/** Counts answers against the truth. */
export class Tally {
  readonly #confusion = CLASSES.map(() => CLASSES.map(() => 0));
  #contested = 0;
  #contestedRight = 0;
  #unmatched = 0;

  add(answer: string, truth: RegionAnswer): void {
    const row = this.#confusion[CLASSES.indexOf(truth.class)];
    const column = CLASSES.indexOf(answer as SceneClass);
    if (row === undefined || column < 0) return;
    row[column]! += 1;
    if (!truth.contested) return;
    this.#contested++;
    if (answer === truth.class) this.#contestedRight++;
  }

  addUnmatched(): void {
    this.#unmatched++;
  }

  result(): Accuracy {
    const sum = (row: readonly number[]): number => row.reduce((total, value) => total + value, 0);
    const rights = this.#confusion.map((row, i) => row[i] ?? 0);
    const n = sum(this.#confusion.map(sum));
    const right = sum(rights);
    const clear = n - this.#contested;
    return {
      n,
      accuracy: share(right, n),
      clear: { n: clear, accuracy: share(right - this.#contestedRight, clear) },
      contested: { n: this.#contested, accuracy: share(this.#contestedRight, this.#contested) },
      classes: CLASSES.map((name, i) => {
        const own = sum(this.#confusion[i] ?? []);
        return { class: name, n: own, accuracy: share(rights[i] ?? 0, own) };
      }),
      confusion: this.#confusion.map((row) => [...row]),
      unmatchedFrames: this.#unmatched,
    };
  }
}
