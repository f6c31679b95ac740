import type { Dimension, Shape } from '../graph.ts';

/** Thrown by shape arithmetic that cannot come out; `inferShapes` adds which node it was. */
export class Contradiction extends Error {
  override readonly name = 'Contradiction';
}

/** The one dimension that both must be: a number wins over a symbol, a symbol over nothing. */
export function unify(a: Dimension, b: Dimension): Dimension {
  if (a === null) return b;
  if (b === null || a === b) return a;
  if (typeof a === 'number' && typeof b === 'number') throw new Contradiction(`${a} is not ${b}`);
  return typeof a === 'number' ? a : typeof b === 'number' ? b : a;
}

/** Both shapes at once. */
export function unifyShapes(a: Shape | null, b: Shape | null): Shape | null {
  if (a === null) return b;
  if (b === null) return a;
  if (a.length !== b.length) throw new Contradiction(`${textOf(a)} and ${textOf(b)} have different ranks`);
  return a.map((dimension, i) => unify(dimension, b[i] ?? null));
}

/** Multidirectional broadcasting (onnx Broadcasting.md, as in NumPy). */
export function broadcast(shapes: readonly (Shape | null)[]): Shape | null {
  let result: Shape = [];
  for (const shape of shapes) {
    if (shape === null) return null;
    const rank = Math.max(result.length, shape.length);
    const from = (side: Shape, i: number): Dimension => {
      const at = i - (rank - side.length);
      return at < 0 ? 1 : (side[at] ?? null);
    };
    const left = result;
    result = Array.from({ length: rank }, (_, i) => broadcastDimension(from(left, i), from(shape, i)));
  }
  return result;
}

function broadcastDimension(a: Dimension, b: Dimension): Dimension {
  if (a === 1) return b;
  if (b === 1 || a === b) return a;
  if (typeof a === 'number' && typeof b === 'number') throw new Contradiction(`${a} does not broadcast with ${b}`);
  // Whatever the unknown one is at run time, it must be 1 or the known one.
  if (typeof a === 'number') return a;
  return typeof b === 'number' ? b : null;
}

/** Sum; a symbol survives only what does not change it. */
export function add(a: Dimension, b: Dimension): Dimension {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  if (a === 0) return b;
  return b === 0 ? a : null;
}

export function multiply(a: Dimension, b: Dimension): Dimension {
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  if (a === 1) return b;
  return b === 1 ? a : null;
}

export const product = (dimensions: Shape): Dimension => dimensions.reduce(multiply, 1);

/**
 * What is left of `whole` after taking `parts` out of it: the `-1` of a Reshape. Symbols on both sides cancel, so
 * [N, 64, 7, 7] over [N] leaves 3136.
 */
export function quotient(whole: Shape, parts: Shape): Dimension {
  const symbols = whole.filter((dimension) => typeof dimension !== 'number');
  for (const part of parts) {
    if (typeof part === 'number') continue;
    const at = part === null ? -1 : symbols.indexOf(part);
    if (at < 0) return null;
    symbols.splice(at, 1);
  }
  const numbers = (shape: Shape): number =>
    shape.reduce<number>((result, dimension) => (typeof dimension === 'number' ? result * dimension : result), 1);
  const above = numbers(whole);
  const below = numbers(parts);
  if (below === 0) return null;
  const [symbol, ...others] = symbols;
  if (symbol === undefined) {
    if (above % below !== 0) throw new Contradiction(`${textOf(whole)} does not divide into ${textOf(parts)}`);
    return above / below;
  }
  return others.length === 0 && above === below ? symbol : null;
}

/** An axis counted from the front. @throws {Contradiction} when the rank does not have it */
export function axisOf(axis: number, rank: number): number {
  const result = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || result < 0 || result >= rank) {
    throw new Contradiction(`there is no axis ${axis} among ${rank}`);
  }
  return result;
}

/** Axes counted from the front. @throws {Contradiction} for one that is missing or named twice */
export function axesOf(axes: readonly number[], rank: number): ReadonlySet<number> {
  const result = new Set(axes.map((axis) => axisOf(axis, rank)));
  if (result.size !== axes.length) throw new Contradiction(`axes [${axes.join(', ')}] repeat one`);
  return result;
}

/** As printed in messages and golden files: `[N, 3, 224, 224]`, `?` for an unknown dimension, `[...]` for an unknown rank. */
export const textOf = (shape: Shape | null): string =>
  shape === null ? '[...]' : `[${shape.map((dimension) => dimension ?? '?').join(', ')}]`;
