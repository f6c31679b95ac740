import { WaysideError } from '../../core/errors.ts';
import { describeWidth, type Width, type Widths, wider } from '../quantize/precision.ts';

export interface Loss {
  readonly points: number;
  readonly error: number;
}

interface BudgetSearch {
  /** Points of accuracy that may be lost. */
  readonly points: number;
  readonly widths: Widths;
  /** Points lost on images that nothing was decided on, and the standard error of that. */
  readonly lost: (widths: Widths) => Promise<Loss>;
  /** What quantizing one layer alone does to the answers: the divergence. */
  readonly damage: (layer: string, width: Width) => Promise<number>;
}

export interface HeldBudget {
  readonly widths: Widths;
  /** By layer, at its final width. */
  readonly damage: ReadonlyMap<string, number>;
  /** Points lost before anything was widened, and after each step. */
  readonly steps: readonly number[];
}

/** Share of the layers that one step widens: about ten measurements until everything is a width finer. */
const AT_ONCE = 1 / 10;

/**
 * Widens layers until the accuracy lost on held-out images is inside the budget: the layer whose damage
 * alone falls most first, from k clusters to 2k, ... 64, then plain int8, then float. Ends at the latest when everything is float.
 *
 * One standard error is kept as a margin, but never more than half the budget: a small set would else end in float only
 * because it is small.
 */
export async function holdBudget({ points, widths: start, lost, damage: damageOf }: BudgetSearch): Promise<HeldBudget> {
  const widths = new Map(start);
  const damage = new Map<string, number>();
  const holds = (loss: Loss): boolean => loss.points + Math.min(loss.error, points / 2) <= points;
  let now = await lost(widths);
  const steps = [now.points];
  if (holds(now)) return { widths, damage, steps };
  const known = new Map<string, number>();
  const damageAt = async (layer: string, width: Width): Promise<number> => {
    const key = `${layer} ${width}`;
    const found = known.get(key) ?? (width === 'float' ? 0 : await damageOf(layer, width));
    known.set(key, found);
    return found;
  };
  const gains = new Map<string, number>();
  const look = async (layer: string): Promise<void> => {
    const width = widths.get(layer) ?? 'float';
    const next = wider(width);
    damage.set(layer, await damageAt(layer, width));
    if (next === undefined) gains.delete(layer);
    else gains.set(layer, damage.get(layer)! - (await damageAt(layer, next)));
  };
  for (const layer of widths.keys()) await look(layer);
  while (!holds(now) && gains.size > 0) {
    // More clusters cost bytes; float costs the int8 kernel too, and comes when there is nothing else left.
    const cheap = [...gains].filter(([layer]) => widths.get(layer) !== 'int8');
    const best = (cheap.length > 0 ? cheap : [...gains])
      .sort((a, b) => b[1] - a[1])
      .slice(0, Math.ceil(widths.size * AT_ONCE));
    for (const [layer] of best) {
      widths.set(layer, wider(widths.get(layer) ?? 'int8') ?? 'float');
      await look(layer);
    }
    now = await lost(widths);
    steps.push(now.points);
  }
  return { widths, damage, steps };
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
  widths: Widths,
  damage: ReadonlyMap<string, number>,
): WaysideError {
  const worst = [...damage].filter(([, value]) => value > 0).sort((a, b) => b[1] - a[1]);
  const names = worst.slice(0, NAMED).map(([name]) => `${name} (${describeWidth(widths.get(name) ?? 'int8')})`);
  const clustered = [...widths.values()].some((width) => typeof width === 'number');
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
