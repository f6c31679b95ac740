import { type Layer, weightRows } from '../../compression/layers.ts';
import type { DecidedWeights } from '../quantize/choose-weights.ts';
import { escaped, integer, shortened } from './html.ts';

const BINS = 48;
const HEIGHT = 100;
/** More codes than these are a picket fence: the histogram alone says more. */
const MOST_CODES = 64;

interface WeightHistogram {
  /** The image reaches from -reach to reach. */
  readonly reach: number;
  /** `[BINS]`: float weights in units of their channel's scale, counted. */
  readonly counts: readonly number[];
  /** The codes in use, ascending, and how many weights became each. */
  readonly codes: readonly { readonly code: number; readonly count: number }[];
}

/** What a layer's weights were, and the codes they became. Weights beyond the reach of the codes count at the ends. */
export function weightHistogram(layer: Layer, decided: DecidedWeights | undefined): WeightHistogram {
  const weights = weightRows(layer);
  const { columns } = layer;
  const perCode = new Map<number, number>();
  for (const code of decided?.codes ?? []) perCode.set(code, (perCode.get(code) ?? 0) + 1);
  const codes = [...perCode].sort(([a], [b]) => a - b).map(([code, count]) => ({ code, count }));
  const reach =
    decided === undefined
      ? weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0) || 1
      : 1.08 * Math.max(1, ...codes.map(({ code }) => Math.abs(code)));
  const counts = new Array<number>(BINS).fill(0);
  for (let i = 0; i < weights.length; i++) {
    const value = weights[i]! / (decided?.scales[Math.floor(i / columns)] ?? 1);
    const bin = Math.floor(((value / reach + 1) / 2) * BINS);
    counts[Math.min(BINS - 1, Math.max(0, bin))]! += 1;
  }
  return { reach, counts, codes };
}

/** One layer: the histogram as an area, each code as a line as high as its share of the weights. */
export function histogramCard(layer: Layer, decided: DecidedWeights | undefined, number: number): string {
  const { reach, counts, codes } = weightHistogram(layer, decided);
  const most = Math.max(1, ...counts);
  const steps = counts.map((count) => `V${Math.round(HEIGHT * (1 - count / most))}h1`);
  const area = `<path class="weights" d="M0 ${HEIGHT}${steps.join('')}V${HEIGHT}z"/>`;
  const drawn = codes.length <= MOST_CODES ? codes : [];
  const largest = Math.max(1, ...drawn.map(({ count }) => count));
  const lines = drawn.map(({ code, count }) => {
    const x = ((code / reach + 1) / 2) * BINS;
    return `M${x.toFixed(1)} ${HEIGHT}V${Math.round(HEIGHT * (1 - 0.96 * Math.max(0.03, count / largest)))}`;
  });
  const stems = lines.length === 0 ? '' : `<path class="codes" d="${lines.join('')}"/>`;
  const name = escaped(`${number} ${shortened(layer.node.name, 32)}`);
  const held =
    decided === undefined
      ? 'float'
      : `${codes.length} codes, ${integer(codes[0]?.code ?? 0)} to ${integer(codes.at(-1)?.code ?? 0)}`;
  const says = `${integer(layer.rows * layer.columns)} weights<br>${held.replaceAll('-', '\u2212')}`;
  return `<figure class="layer"><svg role="img" aria-label="Weights of ${name}" viewBox="0 0 ${BINS} ${HEIGHT}" preserveAspectRatio="none" width="100%" height="64">${area}${stems}</svg><figcaption><b>${name}</b><br>${says}</figcaption></figure>`;
}
