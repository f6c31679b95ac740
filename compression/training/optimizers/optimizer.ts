import type { Parameter } from '../../autodiff/parameters.ts';

/** Changes parameters in place, one step at a time. Its state is plain arrays, so that a checkpoint can hold it. */
export interface Optimizer {
  readonly name: string;
  /**
   * @param values the parameters, changed in place
   * @param gradients of the loss, same order and lengths
   * @param rate the learning rate of this step
   */
  step(values: readonly Float32Array[], gradients: readonly Float32Array[], rate: number): void;
  /** Everything that must be kept to go on exactly where it stopped. */
  state(): readonly Float32Array[];
  restore(state: readonly Float32Array[]): void;
}

/** Weight decay pulls on weights only: gains and biases have no scale to shrink (Goyal 2017, section 5.1). */
export const decayOf = ({ kind }: Parameter, decay: number): number => (kind === 'weight' ? decay : 0);

export const zerosLike = (parameters: readonly Parameter[]): Float32Array[] =>
  parameters.map(({ dims }) => new Float32Array(dims.reduce((product, dim) => product * dim, 1)));

/** Copies a checkpoint's arrays into an optimizer's. */
export function restoreInto(target: readonly Float32Array[], state: readonly Float32Array[]): void {
  target.forEach((array, i) => {
    array.set(state[i] ?? []);
  });
}
