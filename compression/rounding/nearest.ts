import type { Turn } from '../../core/turns.ts';
import type { NearestCode } from '../clustering/nearest.ts';
import { type CodePrices, dampingOf, type Rounded } from './problem.ts';

interface NearestProblem {
  /** `[rows, columns]` of one group's weights. */
  readonly weights: Float32Array;
  readonly rows: number;
  readonly columns: number;
  /** Of the input that each column meets, `[columns]`. */
  readonly variances: Float64Array;
  /** One a row. */
  readonly scales: Float32Array;
  readonly nearest: NearestCode;
  /** Exact zeros stay zero. */
  readonly keepZero: boolean;
  /** @default codes cost nothing */
  readonly rate?: CodePrices | undefined;
}

/**
 * The nearest code of every weight, then the scale in closed form: s = q'Vw / q'Vq. Where nothing is known of how columns vary together
 * there is nothing else to choose: one look at each weight.
 */
export async function roundToNearest(problem: NearestProblem, turn: Turn): Promise<Rounded> {
  const { weights, rows, columns, nearest, keepZero, rate } = problem;
  const scales = problem.scales.slice();
  const codes = new Int8Array(weights.length);
  const damped = problem.variances.map((variance) => variance + dampingOf(variance, 1));
  let error = 0;
  for (let row = 0; row < rows; row++) {
    const start = row * columns;
    const scale = scales[row]!;
    let [energy, cross, own] = [0, 0, 0];
    for (let i = 0; i < columns; i++) {
      const w = weights[start + i]!;
      const code =
        keepZero && w === 0
          ? 0
          : rate === undefined
            ? nearest.of(w / scale)
            : rate.codes.of(w / scale, rate.price / (damped[i]! * scale * scale));
      const weighted = damped[i]! * w;
      codes[start + i] = code;
      energy += weighted * w;
      cross += weighted * code;
      own += damped[i]! * code * code;
    }
    const fitted = cross / own;
    if (fitted > scale / 4 && fitted < scale * 4) scales[row] = fitted;
    error += energy - scales[row]! * (2 * cross - scales[row]! * own);
    await turn();
  }
  return { codes, scales, error };
}
