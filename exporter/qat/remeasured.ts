import type { Layer } from '../../compression/layers.ts';
import type { InputMoments } from '../../compression/rounding/moments.ts';
import { type DecidedWeights, signalToNoise } from '../quantize/choose-weights.ts';

/**
 * Trained weights with what they cost their own layer. What rounding cost before the training says nothing of them: training has moved
 * codes, codebooks and scales.
 *
 * @param momentsOf what the layers' weights are multiplied with, as the rounding went by
 */
export async function remeasured(
  weights: ReadonlyMap<string, DecidedWeights>,
  layers: readonly Layer[],
  momentsOf: (layers: readonly Layer[]) => Promise<ReadonlyMap<string, InputMoments>>,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, DecidedWeights>> {
  const trained = layers.filter(({ node }) => weights.has(node.name));
  const moments = await momentsOf(trained);
  const found = new Map<string, DecidedWeights>();
  for (const layer of trained) {
    const { name } = layer.node;
    const each = weights.get(name)!;
    found.set(name, { ...each, snr: await signalToNoise(layer, each, moments.get(name)!, signal) });
  }
  return found;
}
