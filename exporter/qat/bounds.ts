import type { Weights } from '../../compression/training/weights.ts';

/** A scale shrinks to this share of its start at most: it must stay positive. */
const LEAST_SCALE = 0.05;

/** Codes stay on the target's grid, scales positive; biases go where they like. */
export function withinBounds({ parameters, values }: Pick<Weights, 'parameters' | 'values'>): void {
  for (const [i, { kind }] of parameters.entries()) {
    const array = values[i]!;
    if (kind === 'weight') for (let j = 0; j < array.length; j++) array[j] = Math.min(1, Math.max(-1, array[j]!));
    if (kind === 'gain') for (let j = 0; j < array.length; j++) array[j] = Math.max(LEAST_SCALE, array[j]!);
  }
}
