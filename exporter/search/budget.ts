import { WaysideError } from '../../core/errors.ts';
import { describePrecision, type Precision, type Precisions, wider } from '../quantize/precision.ts';

export interface Loss {
  readonly points: number;
  readonly error: number;
}

interface BudgetSearch {
  /** Points of accuracy that may be lost. */
  readonly points: number;
  readonly precisions: Precisions;
  /** Points lost on images that nothing was decided on, and the standard error of that. */
  readonly lost: (precisions: Precisions) => Promise<Loss>;
  /** What quantizing one layer alone does to the answers: the divergence. */
  readonly sensitivity: (layer: string, width: Precision) => Promise<number>;
}

export interface HeldBudget {
  readonly precisions: Precisions;
  /** By layer, at its final width. */
  readonly sensitivity: ReadonlyMap<string, number>;
  /** Points lost before anything was widened, and after each step. */
  readonly steps: readonly number[];
}

/** Share of the layers that one step widens: about ten measurements until everything is a width finer. */
const AT_ONCE = 1 / 10;

/**
 * Widens layers until the accuracy lost on held-out images is inside the budget: the layer whose sensitivity
 * alone falls most first, from k clusters to 2k, ... 64, then plain int8, then float. Ends at the latest when everything is float.
 *
 * One standard error is kept as a margin, but never more than half the budget: a small set would else end in float only
 * because it is small.
 */
export async function holdBudget({
  points,
  precisions: start,
  lost,
  sensitivity: sensitivityOf,
}: BudgetSearch): Promise<HeldBudget> {
  const precisions = new Map(start);
  const sensitivity = new Map<string, number>();
  const holds = (loss: Loss): boolean => loss.points + Math.min(loss.error, points / 2) <= points;
  let now = await lost(precisions);
  const steps = [now.points];
  if (holds(now)) return { precisions, sensitivity, steps };
  const known = new Map<string, number>();
  const sensitivityAt = async (layer: string, width: Precision): Promise<number> => {
    const key = `${layer} ${width}`;
    const found = known.get(key) ?? (width === 'float' ? 0 : await sensitivityOf(layer, width));
    known.set(key, found);
    return found;
  };
  const gains = new Map<string, number>();
  const look = async (layer: string): Promise<void> => {
    const width = precisions.get(layer) ?? 'float';
    const next = wider(width);
    sensitivity.set(layer, await sensitivityAt(layer, width));
    if (next === undefined) gains.delete(layer);
    else gains.set(layer, sensitivity.get(layer)! - (await sensitivityAt(layer, next)));
  };
  for (const layer of precisions.keys()) await look(layer);
  while (!holds(now) && gains.size > 0) {
    // More clusters cost bytes; float costs the int8 kernel too, and comes when there is nothing else left.
    const cheap = [...gains].filter(([layer]) => precisions.get(layer) !== 'int8');
    const best = (cheap.length > 0 ? cheap : [...gains])
      .sort((a, b) => b[1] - a[1])
      .slice(0, Math.ceil(precisions.size * AT_ONCE));
    for (const [layer] of best) {
      precisions.set(layer, wider(precisions.get(layer) ?? 'int8') ?? 'float');
      await look(layer);
    }
    now = await lost(precisions);
    steps.push(now.points);
  }
  return { precisions, sensitivity, steps };
}

/** A difference of counts over thousands of images: half a millionth of a point is rounding, not a prediction. */
const ROUNDING = 5e-7;

export const overBudget = (lost: number, points: number): boolean => lost > points + ROUNDING;

/** Most named in a message; more would bury what to do. */
const NAMED = 3;

/**
 * What a model that misses its budget is refused with: the layers that cost most, and what to try.
 *
 * @param lost points on the test images
 */
export function budgetMissed(
  points: number,
  lost: number,
  precisions: Precisions,
  sensitivity: ReadonlyMap<string, number>,
): WaysideError {
  const worst = [...sensitivity].filter(([, value]) => value > 0).sort((a, b) => b[1] - a[1]);
  const names = worst.slice(0, NAMED).map(([name]) => `${name} (${describePrecision(precisions.get(name) ?? 'int8')})`);
  const clustered = [...precisions.values()].some((width) => typeof width === 'number');
  const costly = names.length === 0 ? '' : `; most costly: ${names.join(', ')}`;
  const remedies = [
    ...(clustered ? ['more --clusters, or none'] : []),
    'more --calibration images',
    '--target for a processor with 127 codes',
    'a larger --budget',
  ];
  return new WaysideError('BUDGET_MISSED', {
    message: `the compressed model loses ${lost.toFixed(2)} points on the test images, the budget is ${points}${costly}`,
    hint: `try ${remedies.join(', ')}`,
  });
}

/** @param lost points on the test images before anything is quantized */
export function budgetOutOfReach(points: number, lost: number): WaysideError {
  return new WaysideError('BUDGET_MISSED', {
    message: `the pruned model loses ${lost.toFixed(2)} points on the test images before it is quantized, the budget is ${points}`,
    hint: 'try pruning less, more --finetune-epochs, or a larger --budget',
  });
}
