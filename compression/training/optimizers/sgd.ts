import type { Parameter } from '../../autodiff/parameters.ts';
import { decayOf, type Optimizer, restoreInto, zerosLike } from './optimizer.ts';

interface SgdOptions {
  /** @default 0.9 */
  readonly momentum?: number;
  /** Nesterov's look-ahead. @default true */
  readonly nesterov?: boolean;
  /** L2, on weights only. @default 5e-4 */
  readonly weightDecay?: number;
}

/** Stochastic gradient descent: g += decay w; v = m v + g; w -= rate (nesterov ? g + m v : v) (Sutskever 2013). */
export function sgd(
  parameters: readonly Parameter[],
  { momentum = 0.9, nesterov = true, weightDecay = 5e-4 }: SgdOptions = {},
): Optimizer {
  const velocities = zerosLike(parameters);
  return {
    name: `sgd(${momentum},${nesterov},${weightDecay})`,
    step(values, gradients, rate) {
      parameters.forEach((parameter, p) => {
        const decay = decayOf(parameter, weightDecay);
        const w = values[p]!;
        const g = gradients[p]!;
        const v = velocities[p]!;
        for (let i = 0; i < w.length; i++) {
          const gradient = g[i]! + decay * w[i]!;
          const velocity = momentum * v[i]! + gradient;
          v[i] = velocity;
          w[i]! -= rate * (nesterov ? gradient + momentum * velocity : velocity);
        }
      });
    },
    state: () => velocities,
    restore: (state) => restoreInto(velocities, state),
  };
}
