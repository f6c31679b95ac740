import { WaysideError } from '../core/errors.ts';
import type { Observation, Observations } from './observe.ts';
import { RANGE_METHODS, type RangeMethodName } from './ranges/methods.ts';
import { quantizationError } from './ranges/mse.ts';
import type { Range } from './ranges/range.ts';
import type { CalibrationTable } from './table.ts';

/** The ranges that each method gives the values of a model, from what was observed or from a table of it. */
export interface RangeSource {
  readonly values: readonly string[];
  /** @throws {WaysideError} CALIBRATION_INVALID for a value that was never observed */
  range(value: string, method: RangeMethodName): Range;
  /** Share of the value's energy that rounding and clipping to this range take; Infinity for an empty range. */
  noise(value: string, method: RangeMethodName): number;
}

export function observedRanges(observations: Observations): RangeSource {
  const of = (value: string): Observation => observations.get(value) ?? unknown(value);
  const range = (value: string, method: RangeMethodName): Range => RANGE_METHODS[method](of(value).histogram);
  return {
    values: [...observations.keys()],
    range,
    noise: (value, method) =>
      quantizationError(of(value).histogram, range(value, method)) / Math.max(energyOf(of(value)), 1e-30),
  };
}

export function tableRanges({ values }: CalibrationTable): RangeSource {
  const of = (value: string, method: RangeMethodName) => values[value]?.ranges[method] ?? unknown(value);
  return {
    values: Object.keys(values),
    range: (value, method) => {
      const { min, max } = of(value, method);
      return { min, max };
    },
    noise: (value, method) => of(value, method).noise ?? Number.POSITIVE_INFINITY,
  };
}

/** Sum of squares of all that was seen of a value. */
function energyOf({ histogram, channels }: Observation): number {
  const squares = channels.meanSquares();
  return (histogram.total * squares.reduce((sum, square) => sum + square, 0)) / squares.length;
}

function unknown(value: string): never {
  throw new WaysideError('CALIBRATION_INVALID', { message: `${value} was never observed` });
}
