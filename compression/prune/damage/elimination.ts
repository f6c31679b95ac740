import { inverseCholesky } from '../../rounding/solve.ts';

/** Weights that read a group's channels, with how their inputs vary together. */
export interface Reader {
  /** `[rows, size]` */
  readonly weights: Float64Array;
  readonly rows: number;
  readonly size: number;
  /** `[size, size]` */
  readonly covariance: Float64Array;
  /** Columns of each of the group's channels; those of other channels only stay. */
  readonly columns: readonly (readonly number[])[];
  /** What its errors are divided by. */
  readonly norm: number;
}

/** GPTQ's share of the mean variance on the diagonal, so that sampled covariances can be inverted. */
const DAMPING = 0.01;

/**
 * Removes channels one by one, always the one whose absence the others can best make up for, and says what each costs.
 *
 * With H the inverse of the covariance and S the columns of a channel, the least error of the output that its removal
 * leaves, with all other weights free to compensate, is tr(W_S H_SS^-1 W_S'); then W -= W_S H_SS^-1 H_S and
 * H -= H_:S H_SS^-1 H_S: (Optimal Brain Surgeon for structures, Kurtic 2023, "ZipLM").
 *
 * @returns the order of leaving, and the added error of each step; steps never get cheaper, since a channel that was kept for
 * being dear cannot be worth less than one that left before it
 */
export function eliminate(readers: readonly Reader[], channels: number): Elimination {
  const steps = eliminating(readers, channels);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

export interface Elimination {
  readonly order: readonly number[];
  readonly costs: readonly number[];
}

/** The longest that signals wait, milliseconds. */
const TURN_MS = 200;

/** The same, giving other work a turn now and then: a group of 2,048 channels takes seconds. @throws AbortError when `signal` aborts */
export async function eliminateInTurns(
  readers: readonly Reader[],
  channels: number,
  signal?: AbortSignal,
  turnMs = TURN_MS,
): Promise<Elimination> {
  const steps = eliminating(readers, channels);
  let since = performance.now();
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    if (performance.now() - since < turnMs) continue;
    await new Promise(setImmediate);
    signal?.throwIfAborted();
    since = performance.now();
  }
}

/** One step for each block that is inverted and each channel that leaves. */
function* eliminating(readers: readonly Reader[], channels: number): Generator<undefined, Elimination> {
  const states: State[] = [];
  for (const reader of readers) {
    states.push(stateOf(reader));
    yield;
  }
  const present = new Set(Array.from({ length: channels }, (_, i) => i));
  const prices = states.map((state) => Float64Array.from({ length: channels }, (_, c) => state.price(c)));
  const order: number[] = [];
  const costs: number[] = [];
  let dearest = 0;
  while (present.size > 0) {
    let [best, least] = [-1, Number.POSITIVE_INFINITY];
    for (const channel of present) {
      const price = prices.reduce((sum, each) => sum + each[channel]!, 0);
      if (price < least || best < 0) [best, least] = [channel, price];
    }
    present.delete(best);
    dearest = Math.max(dearest, least);
    order.push(best);
    costs.push(dearest);
    states.forEach((state, s) => {
      if (!state.remove(best)) return;
      for (const channel of present) prices[s]![channel] = state.price(channel);
    });
    yield;
  }
  return { order, costs };
}

type State = ReturnType<typeof stateOf>;

function stateOf({ weights, rows, size, covariance, columns, norm }: Reader) {
  const w = weights.slice();
  const inverse = dampedInverse(covariance, size);
  return {
    price(channel: number): number {
      const at = columns[channel] ?? [];
      if (at.length === 0) return 0;
      const a = inverseOfBlock(inverse, size, at);
      let sum = 0;
      for (let r = 0; r < rows; r++) {
        for (let i = 0; i < at.length; i++) {
          const wi = w[r * size + at[i]!]!;
          for (let j = 0; j < at.length; j++) sum += wi * a[i * at.length + j]! * w[r * size + at[j]!]!;
        }
      }
      return sum / norm;
    },
    /** Whether the channel was here at all. */
    remove(channel: number): boolean {
      const at = columns[channel] ?? [];
      if (at.length === 0) return false;
      removeColumns(w, rows, inverse, size, at);
      return true;
    },
  };
}

/** Takes columns out of weights and inverse covariance; the weights that stay make up for them. In place. */
export function removeColumns(
  w: Float64Array,
  rows: number,
  inverse: Float64Array,
  size: number,
  at: readonly number[],
): void {
  const a = inverseOfBlock(inverse, size, at);
  const count = at.length;
  /** A H_S: */
  const pull = new Float64Array(count * size);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) {
      const factor = a[i * count + j]!;
      const line = at[j]! * size;
      for (let k = 0; k < size; k++) pull[i * size + k]! += factor * inverse[line + k]!;
    }
  }
  subtract(w, rows, size, at, pull);
  subtract(inverse, size, size, at, pull);
  for (const i of at) {
    for (let r = 0; r < rows; r++) w[r * size + i] = 0;
    for (let k = 0; k < size; k++) inverse[i * size + k] = inverse[k * size + i] = 0;
  }
}

/** inverse(H_SS). */
function inverseOfBlock(inverse: Float64Array, size: number, at: readonly number[]): Float64Array {
  const part = new Float64Array(at.length ** 2);
  for (let i = 0; i < at.length; i++) {
    for (let j = 0; j < at.length; j++) part[i * at.length + j] = inverse[at[i]! * size + at[j]!]!;
  }
  return invert(part, at.length);
}

/** m -= m[:, at] pull */
function subtract(m: Float64Array, rows: number, size: number, at: readonly number[], pull: Float64Array): void {
  const held = new Float64Array(at.length);
  for (let r = 0; r < rows; r++) {
    const line = r * size;
    at.forEach((column, i) => {
      held[i] = m[line + column]!;
    });
    for (let i = 0; i < at.length; i++) {
      const factor = held[i]!;
      if (factor === 0) continue;
      for (let k = 0; k < size; k++) m[line + k]! -= factor * pull[i * size + k]!;
    }
  }
}

export function dampedInverse(covariance: Float64Array, size: number): Float64Array {
  const matrix = covariance.slice();
  let trace = 0;
  for (let i = 0; i < size; i++) trace += matrix[i * size + i]!;
  for (let i = 0; i < size; i++) matrix[i * size + i]! += (DAMPING * trace) / size || 1;
  const u = inverseCholesky(matrix, size);
  const inverse = new Float64Array(size * size);
  if (u === undefined) {
    for (let i = 0; i < size; i++) inverse[i * size + i] = 1 / matrix[i * size + i]!;
    return inverse;
  }
  for (let k = 0; k < size; k++) {
    for (let i = k; i < size; i++) {
      const factor = u[k * size + i]!;
      if (factor === 0) continue;
      for (let j = k; j < size; j++) inverse[i * size + j]! += factor * u[k * size + j]!;
    }
  }
  return inverse;
}

/** Inverse of a small symmetric matrix. One that has none is that of columns that never vary: removing them costs nothing. */
function invert(matrix: Float64Array, size: number): Float64Array {
  const u = inverseCholesky(matrix, size);
  const inverse = new Float64Array(size * size);
  if (u === undefined) return inverse;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      let sum = 0;
      for (let k = 0; k <= Math.min(i, j); k++) sum += u[k * size + i]! * u[k * size + j]!;
      inverse[i * size + j] = sum;
    }
  }
  return inverse;
}
