import type { Tape } from '../tape.ts';

/** What a loss adds to the tape. */
interface LossTerm {
  /** Scalar: the mean over the batch. */
  readonly value: string;
  /** Gradient of `value` with respect to the output it was given, of that output's shape. */
  readonly gradient: string;
}

interface LossInput {
  readonly name: string;
  readonly shape: readonly number[];
}

/** How far an output of the model is from what it should be. */
export interface Loss {
  readonly name: string;
  /** What is fed besides the images, for an output of shape `output`. */
  inputs(output: readonly number[]): readonly LossInput[];
  /** Adds value and gradient; `given` are the names of its inputs, in order. */
  build(tape: Tape, output: string, shape: readonly number[], given: readonly string[]): LossTerm;
}
