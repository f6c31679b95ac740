import type { Parameter } from '../../autodiff/parameters.ts';
import { decayOf, type Optimizer, restoreInto, zerosLike } from './optimizer.ts';

interface AdamWOptions {
  /** Decay of the first and second moment. @default [0.9, 0.999] */
  readonly betas?: readonly [number, number];
  /** @default 1e-8 */
  readonly epsilon?: number;
  /** Decoupled, on weights only. @default 0.01 */
  readonly weightDecay?: number;
  /** What the rate is multiplied by for each parameter, in their order. @default 1 */
  readonly rateScales?: readonly number[];
}

/** Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2). */
export function adamW(
  parameters: readonly Parameter[],
  { betas: [beta1, beta2] = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0.01, rateScales = [] }: AdamWOptions = {},
): Optimizer {
  const first = zerosLike(parameters);
  const second = zerosLike(parameters);
  const taken = new Float32Array(1);
  return {
    name: `adamw(${[beta1, beta2, epsilon, weightDecay, ...rateScales].join(',')})`,
    step(values, gradients, rate) {
      taken[0]! += 1;
      const correction1 = 1 - beta1 ** taken[0]!;
      const correction2 = Math.sqrt(1 - beta2 ** taken[0]!);
      parameters.forEach((parameter, p) => {
        const rateScale = rateScales[p] ?? 1;
        const scale = (rate * rateScale * correction2) / correction1;
        const shrink = 1 - rate * decayOf(parameter, weightDecay);
        const w = values[p]!;
        const g = gradients[p]!;
        const m = first[p]!;
        const v = second[p]!;
        for (let i = 0; i < w.length; i++) {
          const gradient = g[i]!;
          m[i] = beta1 * m[i]! + (1 - beta1) * gradient;
          v[i] = beta2 * v[i]! + (1 - beta2) * gradient * gradient;
          w[i] = w[i]! * shrink - (scale * m[i]!) / (Math.sqrt(v[i]!) + epsilon * correction2);
        }
      });
    },
    state: () => [taken, ...first, ...second],
    restore: (state) => restoreInto([taken, ...first, ...second], state),
  };
}
