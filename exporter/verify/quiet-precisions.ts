import { type Precisions, wider } from '../quantize/precision.ts';
import type { LayerErrors } from './layer-errors.ts';
import { noisyLayers } from './layer-noise.ts';

/**
 * Widens layers until none is mostly noise. The first noisy one of the network is at fault itself, or those before it are, whose noise
 * adds up in it: it is kept finer first, and once it is in float the noisiest before it.
 *
 * @param widths in the order of the network
 * @param errorsWith what a model of these widths does to each layer's output
 * @returns the same widths where nothing is noisy; noise that float layers alone leave is not to be helped and stays
 */
export async function quietPrecisions(
  precisions: Precisions,
  errorsWith: (precisions: Precisions) => Promise<LayerErrors>,
): Promise<Precisions> {
  let now = precisions;
  for (;;) {
    const errors = await errorsWith(now);
    const [first] = noisyLayers(errors);
    const layer = first === undefined ? undefined : toWiden(now, errors, first.name);
    if (layer === undefined) return now;
    now = new Map(now).set(layer, wider(now.get(layer) ?? 'int8') ?? 'float');
  }
}

function toWiden(precisions: Precisions, { decibels }: LayerErrors, first: string): string | undefined {
  if (precisions.has(first) && precisions.get(first) !== 'float') return first;
  const names = [...decibels.keys()];
  const before = names.slice(0, names.indexOf(first)).filter((name) => (precisions.get(name) ?? 'float') !== 'float');
  return before.sort((a, b) => (decibels.get(a) ?? 0) - (decibels.get(b) ?? 0))[0];
}
