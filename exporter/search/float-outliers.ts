import type { Model } from '../../onnx/graph.ts';
import type { Precisions } from '../quantize/precision.ts';
import { withIslands } from './float-islands.ts';
import type { LayerSensitivity } from './layer-sensitivity.ts';

/** Those sought ruin every image: few tell, and every layer is tried. */
export const OUTLIER_IMAGES = 16;

/**
 * Leaves those layers in float that alone would move the answers further than is tolerated: the few that no codes of 8 bits can hold,
 * which an accuracy budget would find by labels. In YOLOX-Nano they are the first ones: of its 16 channels at the input some
 * reach 150 and others 0.5, and share one scale. What lies between them stays too, where int8 would not be quicker there (`withIslands`).
 *
 * @param model with the layers
 * @param tolerance `distance` from the float model's answers
 * @returns the same widths where there are none
 */
export async function withOutliersInFloat(
  model: Model,
  precisions: Precisions,
  sensitivity: LayerSensitivity,
  tolerance: number,
): Promise<Precisions> {
  // Where all together stay within it, no layer alone is asked: 54 models of ResNet50, each loaded and run.
  if ((await sensitivity.together(precisions)) <= tolerance) return precisions;
  const found = await sensitivity.ofAll(precisions);
  // NaN, from a layer that overflows, is not tolerated either.
  const tolerated = (name: string): boolean => (found.get(name) ?? 0) <= tolerance;
  if ([...precisions.keys()].every(tolerated)) return precisions;
  const float = withIslands(model, new Set([...precisions.keys()].filter((name) => !tolerated(name))));
  return new Map([...precisions].map(([name, width]) => [name, float.has(name) ? 'float' : width]));
}
