import { WaysideError } from '../../core/errors.ts';
import type { LayerErrors } from './layer-errors.ts';

/** Below it a quarter of what a layer says is noise: no more than one bit is left. */
const LEAST_DECIBELS = 6;

/**
 * A layer this far below the loudest one of its network, as a share of mean squares, says nothing: float32 itself holds 24 bits, and
 * what is 2^-40 of the power is beneath the last of them wherever the two meet. Channels that training has switched off are like that.
 */
const SILENT = 2 ** -40;

export interface NoisyLayer {
  readonly name: string;
  /** Signal to noise of its output. */
  readonly decibels: number;
}

/** Layers of which the int8 model leaves less than 6 dB of signal to noise, in the order of the network; silent ones are none. */
export function noisyLayers({ decibels, signal }: LayerErrors): readonly NoisyLayer[] {
  const floor = SILENT * [...signal.values()].reduce((most, power) => Math.max(most, power), 0);
  return [...decibels].flatMap(([name, value]) =>
    // NaN, from a layer that overflows, is the worst noise there is.
    (signal.get(name) ?? 0) <= floor || value >= LEAST_DECIBELS ? [] : [{ name, decibels: value }],
  );
}

/** Most named in a message. */
const NAMED = 3;

export const describeNoisy = (noisy: readonly NoisyLayer[]): string => {
  const worst = [...noisy].sort((a, b) => a.decibels - b.decibels).slice(0, NAMED);
  const names = worst.map(({ name, decibels }) => `${name} (${decibels.toFixed(1)} dB)`).join(', ');
  return `${noisy.length} layers of the int8 model are mostly noise beside the float model, below ${LEAST_DECIBELS} dB: ${names}${noisy.length > NAMED ? ', ...' : ''}`;
};

/** @throws {WaysideError} LAYERS_NOISY */
export function requireQuiet(noisy: readonly NoisyLayer[], clustered: boolean): void {
  if (noisy.length === 0) return;
  const remedies = [
    ...(clustered ? ['more --clusters, or none'] : []),
    'other or more --calibration images',
    'the right --normalize',
    '--budget, which keeps such layers finer',
  ];
  throw new WaysideError('LAYERS_NOISY', {
    message: describeNoisy(noisy),
    hint: `try ${remedies.join(', ')}; --allow-noisy-layers writes the model all the same`,
  });
}
