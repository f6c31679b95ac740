import type { Dimension, Shape } from '../graph.ts';
import { Contradiction } from './dimensions.ts';
import type { NodeFacts } from './node-facts.ts';

/** How a kernel slides over the spatial axes: kernel, strides, dilations, one an axis; pads all begins, then all ends. */
interface Windows {
  readonly kernel: readonly Dimension[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
  readonly autoPad: string;
  readonly ceil: boolean;
}

/** @throws {Contradiction} where an attribute does not fit the number of spatial axes, or is not positive */
export function windowsOf(facts: NodeFacts, kernel: readonly Dimension[]): Windows {
  const axes = kernel.length;
  const list = (name: string, count: number, fallback: number, least: number): readonly number[] => {
    const given = facts.ints(name) ?? new Array<number>(count).fill(fallback);
    if (given.length !== count)
      throw new Contradiction(`${name} has ${given.length} entries where ${count} are needed`);
    if (given.some((value) => value < least)) throw new Contradiction(`${name} is [${given.join(', ')}]`);
    return given;
  };
  if (kernel.some((size) => size === 0)) throw new Contradiction('the kernel is empty');
  return {
    kernel,
    strides: list('strides', axes, 1, 1),
    dilations: list('dilations', axes, 1, 1),
    pads: list('pads', 2 * axes, 0, Number.NEGATIVE_INFINITY),
    autoPad: facts.text('auto_pad', 'NOTSET'),
    ceil: facts.int('ceil_mode', 0) !== 0,
  };
}

/** The kernel a node states, compared with what its weight says. */
export function kernelOf(facts: NodeFacts, fromWeight: Shape | null, rank: number): readonly Dimension[] {
  const stated = facts.ints('kernel_shape');
  const axes = rank - 2;
  if (axes < 1) throw new Contradiction(`the input has ${rank} dimensions, at least 3 are needed`);
  const kernel = stated ?? fromWeight ?? new Array<Dimension>(axes).fill(null);
  if (kernel.length !== axes) throw new Contradiction(`a kernel of ${kernel.length} axes over ${axes} spatial axes`);
  if (kernel.some((size) => typeof size === 'number' && size < 1))
    throw new Contradiction(`kernel [${kernel.join(', ')}]`);
  if (stated !== undefined && fromWeight !== null) {
    fromWeight.forEach((size, i) => {
      if (typeof size === 'number' && size !== stated[i]) {
        throw new Contradiction(`kernel_shape is [${stated.join(', ')}], the weight says [${fromWeight.join(', ')}]`);
      }
    });
  }
  return kernel;
}

/**
 * Output size along each spatial axis (onnx Conv, MaxPool):
 * floor((in + begin + end - (dilation * (kernel - 1) + 1)) / stride) + 1, or ceil(in / stride) for SAME padding.
 */
export function slide(spatial: Shape, windows: Windows): Dimension[] {
  const axes = spatial.length;
  return spatial.map((size, i) => {
    const stride = windows.strides[i] ?? 1;
    const kernel = windows.kernel[i] ?? null;
    if (windows.autoPad.startsWith('SAME')) {
      return typeof size === 'number' ? Math.ceil(size / stride) : stride === 1 ? size : null;
    }
    if (typeof kernel !== 'number') return null;
    const reach = (windows.dilations[i] ?? 1) * (kernel - 1) + 1;
    const begin = windows.autoPad === 'VALID' ? 0 : (windows.pads[i] ?? 0);
    const end = windows.autoPad === 'VALID' ? 0 : (windows.pads[i + axes] ?? 0);
    if (typeof size !== 'number') return stride === 1 && begin + end === reach - 1 ? size : null;
    const room = size + begin + end - reach;
    if (room < 0) throw new Contradiction(`a window of ${reach} does not fit into ${size} + ${begin} + ${end}`);
    if (!windows.ceil) return Math.floor(room / stride) + 1;
    const count = Math.ceil(room / stride) + 1;
    // A window that starts in the end padding is left out (as ONNX Runtime and PyTorch do).
    return (count - 1) * stride >= size + begin ? count - 1 : count;
  });
}
