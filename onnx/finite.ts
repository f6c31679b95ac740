import type { Graph } from './graph.ts';
import { asFloat32 } from './tensor.ts';

/** The first float32 initializer that holds NaN or an infinity. */
export function nonFiniteInitializer({ initializers }: Graph): string | undefined {
  for (const [name, tensor] of initializers) {
    if (tensor.dtype === 'float32' && !asFloat32(tensor).every(Number.isFinite)) return name;
  }
  return undefined;
}
