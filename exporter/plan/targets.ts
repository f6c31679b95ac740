import { WaysideError } from '../../core/errors.ts';

/** What a processor wants of a quantized model. */
interface TargetProfile {
  readonly name: string;
  readonly says: string;
  /** Weight codes run from -limit to limit. */
  readonly limit: number;
}

/**
 * Activations are uint8 and weights int8 everywhere (U8S8): on x64 the only pair ONNX Runtime fuses at full speed, on Arm
 * a fast one too.
 *
 * Processors without VNNI multiply with PMADDUBSW, which adds two products u8 * s8 in 16 bits and saturates. With every
 * |code| <= 64 it cannot: 255 * 64 * 2 = 32640 < 32767. That is the default, since a box's processor is rarely known when
 * the model is made, and a model that answers differently on another processor cannot be trusted (onnxruntime#14642: 74.8%
 * on one, 69.0% on another, from the same file). It costs one bit of the weights: with rounding by second
 * moments that is 0.06 points on ResNet20 (91.46 against 91.52% on 5,000 images) and -0.04 on ResNet56 (92.94, 92.90); with 16
 * clusters -0.28 and +0.20: no more than chance.
 */
const PROFILES: readonly TargetProfile[] = [
  { name: 'any', says: 'correct on every processor', limit: 64 },
  { name: 'x64', says: 'x86-64 without VNNI', limit: 64 },
  { name: 'x64-vnni', says: 'x86-64 with AVX512-VNNI or AVX-VNNI', limit: 127 },
  { name: 'arm64', says: 'Arm without dot product (products are widened to 16 bits, sums to 32)', limit: 127 },
  { name: 'arm64-dotprod', says: 'Arm with dot product instructions', limit: 127 },
];

export const DEFAULT_TARGET = 'any';
export const TARGET_NAMES: readonly string[] = PROFILES.map(({ name }) => name);

/** @throws {WaysideError} USAGE */
export function targetProfile(name: string = DEFAULT_TARGET): TargetProfile {
  const profile = PROFILES.find((each) => each.name === name);
  if (profile !== undefined) return profile;
  throw new WaysideError('USAGE', {
    message: `target '${name}' is not known`,
    hint: `choose one of ${TARGET_NAMES.join(', ')}`,
  });
}
