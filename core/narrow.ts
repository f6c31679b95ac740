import { WaysideError } from './errors.ts';

interface IntegerArrays {
  int8: Int8Array;
  uint8: Uint8Array;
  int32: Int32Array;
}

type IntegerType = keyof IntegerArrays;

/** Lowest and highest value of a type. */
export const INTEGER_RANGE: Readonly<Record<IntegerType, readonly [number, number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int32: [-(2 ** 31), 2 ** 31 - 1],
};

const MAKERS: { readonly [T in IntegerType]: (length: number) => IntegerArrays[T] } = {
  int8: (length) => new Int8Array(length),
  uint8: (length) => new Uint8Array(length),
  int32: (length) => new Int32Array(length),
};

/**
 * Whole numbers as an array of a narrower type. A typed array by itself wraps what does not fit modulo a power of two, cuts fractions
 * off and turns NaN into 0, all in silence.
 *
 * @param valueAt the number at a position of the result
 * @param what is narrowed, for the message
 * @throws {WaysideError} INTEGER_OVERFLOW for a number that is not whole or does not fit
 */
export function narrow<T extends IntegerType>(
  type: T,
  length: number,
  valueAt: (position: number) => number,
  what: string,
): IntegerArrays[T] {
  const [lowest, highest] = INTEGER_RANGE[type];
  const values = MAKERS[type](length);
  for (let i = 0; i < length; i++) {
    const value = valueAt(i);
    if (!(value >= lowest && value <= highest && Number.isInteger(value))) throw overflow(type, value, i, what);
    values[i] = value;
  }
  return values;
}

const overflow = (type: IntegerType, value: number, position: number, what: string): WaysideError =>
  new WaysideError('INTEGER_OVERFLOW', { message: `${what}: ${value} at position ${position} is no ${type}` });
