import type { Turn } from '../../core/turns.ts';
import type { MatrixProducts } from '../linear-algebra/products.ts';
import { roundInProducts } from './blocked.ts';
import { isLarge } from './moments.ts';
import type { Rounded, RoundProblem } from './problem.ts';
import { roundToCodes } from './round.ts';

/** Codes by what they do to the output: in loops for few weights, in matrix products for many. */
export function roundByOutput(problem: RoundProblem, products: MatrixProducts, turn: Turn): Promise<Rounded> {
  if (isLarge(problem)) return roundInProducts(problem, products, turn);
  return Promise.resolve(roundToCodes(problem));
}
