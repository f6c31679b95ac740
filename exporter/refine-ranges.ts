import type { Observation, Observations } from '../calibration/observe.ts';
import { RANGE_METHODS, type RangeMethodName } from '../calibration/ranges/methods.ts';
import { quantizationError } from '../calibration/ranges/mse.ts';
import { CANDIDATES } from './choose-ranges.ts';
import { allCloser } from './jury.ts';

/** Values whose method is tried anew: those that lose most. Each costs a run over the deciding pictures a method. */
const MOST_TRIED = 8;

export interface RefineOptions {
  readonly observations: Observations;
  /** Values that share a scale, and so a method; without the inputs of the graph. */
  readonly classes: readonly (readonly string[])[];
  /** Of all values until now. */
  readonly method: RangeMethodName;
  /** As the jury finds it when these values have methods of their own. */
  readonly divergenceWith: (methods: Readonly<Record<string, RangeMethodName>>) => Promise<readonly number[]>;
}

/**
 * Chooses the range method of single values by the task: greedily, the value with the worst signal to noise first, each method
 * kept that brings the answers closer to the float model's.
 */
export async function refineRanges(options: RefineOptions) {
  const { observations, classes, method, divergenceWith } = options;
  let chosen: Readonly<Record<string, RangeMethodName>> = {};
  let least = await divergenceWith(chosen);
  const noise = new Map(classes.map((values) => [values, noiseOf(values, observations, method)]));
  const worst = classes.toSorted((a, b) => noise.get(b)! - noise.get(a)!).slice(0, MOST_TRIED);
  for (const values of worst) {
    for (const other of CANDIDATES.filter((each) => each !== method)) {
      if (sameRanges(values, observations, method, other)) continue;
      const tried = { ...chosen, ...Object.fromEntries(values.map((value) => [value, other])) };
      const divergence = await divergenceWith(tried);
      if (!allCloser(divergence, least)) continue;
      least = divergence;
      chosen = tried;
    }
  }
  return { methods: chosen, divergence: least };
}

/** The largest share of a value's energy that rounding and clipping take. */
function noiseOf(values: readonly string[], observations: Observations, method: RangeMethodName): number {
  return Math.max(
    ...values.map((value) => {
      const observation = observations.get(value);
      if (observation === undefined) return 0;
      const { histogram } = observation;
      return quantizationError(histogram, RANGE_METHODS[method](histogram)) / Math.max(energyOf(observation), 1e-30);
    }),
  );
}

function energyOf({ histogram, channels }: Observation): number {
  const squares = channels.meanSquares();
  return (histogram.total * squares.reduce((sum, square) => sum + square, 0)) / squares.length;
}

function sameRanges(values: readonly string[], observations: Observations, a: RangeMethodName, b: RangeMethodName) {
  return values.every((value) => {
    const histogram = observations.get(value)?.histogram;
    if (histogram === undefined) return true;
    const [first, second] = [RANGE_METHODS[a](histogram), RANGE_METHODS[b](histogram)];
    return first.min === second.min && first.max === second.max;
  });
}
