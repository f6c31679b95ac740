import type { RangeSource } from '../../calibration/range-source.ts';
import type { RangeMethodName } from '../../calibration/ranges/methods.ts';
import { CANDIDATES } from './choose-ranges.ts';
import { allCloser } from './fold-agreement.ts';

/** Values whose method is tried anew: those that lose most. Each costs a run over the deciding images a method. */
const MOST_TRIED = 8;

interface RefineOptions {
  readonly source: RangeSource;
  /** Values that share a scale, and so a method; without the inputs of the graph. */
  readonly classes: readonly (readonly string[])[];
  /** Of all values until now. */
  readonly method: RangeMethodName;
  /** As the agreement finds it when these values have methods of their own. */
  readonly divergenceWith: (methods: Readonly<Record<string, RangeMethodName>>) => Promise<readonly number[]>;
}

/**
 * Chooses the range method of single values by the task: greedily, the value with the worst signal to noise first, each method
 * kept that brings the answers closer to the float model's.
 */
export async function refineRanges(options: RefineOptions) {
  const { source, classes, method, divergenceWith } = options;
  let chosen: Readonly<Record<string, RangeMethodName>> = {};
  let least = await divergenceWith(chosen);
  const noise = new Map(
    classes.map((values) => [values, Math.max(...values.map((value) => source.noise(value, method)))]),
  );
  const worst = classes.toSorted((a, b) => noise.get(b)! - noise.get(a)!).slice(0, MOST_TRIED);
  for (const values of worst) {
    for (const other of CANDIDATES.filter((each) => each !== method)) {
      if (sameRanges(values, source, method, other)) continue;
      const tried = { ...chosen, ...Object.fromEntries(values.map((value) => [value, other])) };
      const divergence = await divergenceWith(tried);
      if (!allCloser(divergence, least)) continue;
      least = divergence;
      chosen = tried;
    }
  }
  return { methods: chosen, divergence: least };
}

function sameRanges(values: readonly string[], source: RangeSource, a: RangeMethodName, b: RangeMethodName): boolean {
  return values.every((value) => {
    const [first, second] = [source.range(value, a), source.range(value, b)];
    return first.min === second.min && first.max === second.max;
  });
}
