import type { Widths } from '../quantize/precision.ts';
import type { LayerDamage } from './layer-sensitivity.ts';

/** Those sought ruin every image: few tell, and every layer is tried. */
export const OUTLIER_IMAGES = 16;

/**
 * Leaves those layers in float that alone would move the answers further than is tolerated: the few that no codes of 8 bits can hold,
 * which an accuracy budget would find by labels. In YOLOX-Nano they are the first ones: of its 16 channels at the input some
 * reach 150 and others 0.5, and share one scale.
 *
 * @param tolerance `distance` from the float model's answers
 * @returns the same widths where there are none
 */
export async function withOutliersInFloat(widths: Widths, damage: LayerDamage, tolerance: number): Promise<Widths> {
  // Where all together stay within it, no layer alone is asked: 54 models of ResNet50, each loaded and run.
  if ((await damage.together(widths)) <= tolerance) return widths;
  const found = await damage.ofAll(widths);
  // NaN, from a layer that overflows, is not tolerated either.
  const tolerated = (name: string): boolean => (found.get(name) ?? 0) <= tolerance;
  if ([...widths.keys()].every(tolerated)) return widths;
  return new Map([...widths].map(([name, width]) => [name, tolerated(name) ? width : 'float']));
}
