import type { Node } from '../../onnx/graph.ts';
import type { Tape } from './tape.ts';

export interface Backward {
  readonly node: Node;
  readonly tape: Tape;
  /** Gradient of the loss with respect to each output of the node; undefined where none flows. */
  readonly gradients: readonly (string | undefined)[];
  /** True where the gradient of this input is wanted: the others are not computed. */
  needs(input: number): boolean;
}

/** How gradients pass one operator, against the direction of its data. */
export interface GradientRule {
  readonly opTypes: readonly string[];
  /**
   * Appends what computes the gradients to the tape.
   *
   * @returns for each input of the node the value that holds its gradient, or undefined where none is wanted or flows
   */
  backward(step: Backward): readonly (string | undefined)[];
}

/** A rule for a node of one output: called only where a gradient reaches it. */
export const rule = (
  opTypes: readonly string[],
  backward: (step: Backward & { readonly dy: string; readonly y: string }) => readonly (string | undefined)[],
): GradientRule => ({
  opTypes,
  backward(step) {
    const [dy] = step.gradients;
    const [y] = step.node.outputs;
    return dy === undefined || y === undefined ? [] : backward({ ...step, dy, y });
  },
});
