import { WaysideError } from '../../../core/errors.ts';
import { int, intAttribute, ints, intsAttribute, stringAttribute } from '../../../onnx/attributes.ts';
import type { Node } from '../../../onnx/graph.ts';
import { rule } from '../rule.ts';
import type { Tape } from '../tape.ts';

/** Everything a two-dimensional convolution says of itself; `[top, left, bottom, right]` for pads. */
interface Geometry {
  readonly batch: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly input: readonly [number, number];
  readonly output: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  readonly pads: readonly [number, number, number, number];
  readonly groups: number;
}

const pair = (values: readonly number[]): [number, number] => [values[0] ?? 1, values[1] ?? 1];

function geometryOf(node: Node, tape: Tape): Geometry {
  const [x = '', w = ''] = node.inputs;
  const [batch = 0, inChannels = 0, height = 0, width = 0] = tape.shape(x);
  const weight = tape.shape(w);
  const [, , outHeight = 0, outWidth = 0] = tape.shape(node.outputs[0] ?? '');
  if (weight.length !== 4) {
    throw new WaysideError('MODEL_UNSUPPORTED', {
      message: `no gradient for convolution ${node.name}: it has ${weight.length - 2} spatial dimensions, not 2`,
    });
  }
  const kernel = pair(weight.slice(2));
  const strides = pair(intsAttribute(node, 'strides', [1, 1]));
  const dilations = pair(intsAttribute(node, 'dilations', [1, 1]));
  const input: [number, number] = [height, width];
  const output: [number, number] = [outHeight, outWidth];
  return {
    batch,
    inChannels,
    outChannels: weight[0] ?? 0,
    input,
    output,
    kernel,
    strides,
    dilations,
    pads: padsOf(node, input, output, kernel, strides, dilations),
    groups: intAttribute(node, 'group', 1),
  };
}

/** Explicit pads, or those that `auto_pad` stands for (ONNX Conv). */
function padsOf(
  node: Node,
  input: readonly number[],
  output: readonly number[],
  kernel: readonly number[],
  strides: readonly number[],
  dilations: readonly number[],
): [number, number, number, number] {
  const auto = stringAttribute(node, 'auto_pad', 'NOTSET');
  if (auto === 'NOTSET' || auto === 'VALID') {
    const [top = 0, left = 0, bottom = 0, right = 0] = intsAttribute(node, 'pads', [0, 0, 0, 0]);
    return [top, left, bottom, right];
  }
  const total = [0, 1].map((i) =>
    Math.max(0, (output[i]! - 1) * strides[i]! + (kernel[i]! - 1) * dilations[i]! + 1 - input[i]!),
  );
  const begin = total.map((sum) => (auto === 'SAME_UPPER' ? Math.floor(sum / 2) : Math.ceil(sum / 2)));
  return [begin[0]!, begin[1]!, total[0]! - begin[0]!, total[1]! - begin[1]!];
}

/** `[O, C/g, kh, kw]` to `[C, O/g, kh, kw]`, each kernel turned by half a turn: the weights of the backward convolution. */
function turned(weight: string, g: Geometry, tape: Tape): string {
  const [kh, kw] = g.kernel;
  const flipped = kh * kw === 1 ? weight : tape.slice(weight, [2, 3], [-1, -1], [-1e9, -1e9], [-1, -1]);
  const perGroup = [g.outChannels / g.groups, g.inChannels / g.groups];
  if (g.groups === 1) return tape.transpose(flipped, [1, 0, 2, 3]);
  if (perGroup[0] === 1 && perGroup[1] === 1) return flipped;
  const split = tape.reshape(flipped, [g.groups, ...perGroup, kh, kw]);
  return tape.reshape(tape.transpose(split, [0, 2, 1, 3, 4]), [g.inChannels, perGroup[0]!, kh, kw]);
}

/**
 * dx = the correlation of dy with the turned kernel. With stride 1 that is a plain convolution (about the forward's
 * speed); ConvTranspose, which also spreads dy over the stride, took 2 to 4 times as long.
 */
function inputGradient(dy: string, weight: string, g: Geometry, tape: Tape): string {
  const reach = [0, 1].map((i) => (g.kernel[i]! - 1) * g.dilations[i]!);
  const pads = [0, 1, 2, 3].map((side) => reach[side % 2]! - g.pads[side]!);
  const common = { dilations: ints(g.dilations), group: int(g.groups) };
  if (g.strides[0] === 1 && g.strides[1] === 1 && pads.every((amount) => amount >= 0)) {
    return tape.op('Conv', [dy, turned(weight, g, tape)], {
      ...common,
      kernel_shape: ints(g.kernel),
      pads: ints(pads),
    });
  }
  // Rows of the input that no window reached: they get zeros.
  const unreached = [0, 1].map((i) => {
    const covered = (g.output[i]! - 1) * g.strides[i]! + reach[i]! + 1 - g.pads[i]! - g.pads[i + 2]!;
    return g.input[i]! - covered;
  });
  return tape.op('ConvTranspose', [dy, weight], {
    ...common,
    kernel_shape: ints(g.kernel),
    strides: ints(g.strides),
    pads: ints(g.pads),
    output_padding: ints(unreached),
  });
}

/** From so many output pixels on, products over whole rows beat one product for every place of the kernel. */
const MANY_PIXELS = 512;

/**
 * Below so many output pixels, one product over batch and pixels together beats one for each image. For 128 images,
 * processor time on one thread, together against each: 512 channels at 4x4 63 ms against 150, 256 at 8x8 77 against 93,
 * 64 at 8x8 5.8 against 4.8, 16 at 32x32 30 against 25.
 */
const fewPixels = (pixels: number, channels: number): boolean => pixels < 64 || 2 * pixels <= channels;

/** dw of a convolution: see the three ways below. */
function weightGradient(dy: string, x: string, g: Geometry, tape: Tape): string {
  const strided = g.strides[0] !== 1 || g.strides[1] !== 1;
  const rowsWhole = !strided && g.groups === 1 && g.kernel[0] * g.kernel[1] > 1;
  if (rowsWhole && g.output[0] * g.output[1] >= MANY_PIXELS) return byRows(dy, x, g, tape);
  return byPlaces(dy, x, g, tape);
}

/**
 * dw for stride 1, row by row of the kernel. dy is set, once for every column j of the kernel, into rows as wide as the
 * padded input's, j places from the left; flattened, it then meets the input j places further. So the input is cut by
 * rows alone and the copies of dy, one above another, make one product with each cut: 7 copies instead of 11, none of
 * them transposed, and 3 products instead of 9. 12 ms against 25 for 16 channels at 32x32, 79 against 109 for 64;
 * level at 16x16.
 */
function byRows(dy: string, x: string, g: Geometry, tape: Tape): string {
  const [top, left, bottom, right] = g.pads;
  const [kh, kw] = g.kernel;
  const reach = (kw - 1) * g.dilations[1];
  const row = g.output[1] + reach;
  const padded = tape.pad(x, [0, 0, top, left, 0, 0, bottom, right]);
  const shifted = Array.from({ length: kw }, (_, j) =>
    tape.pad(dy, [0, 0, 0, j * g.dilations[1], 0, 0, 0, reach - j * g.dilations[1]]),
  );
  const stacked = tape.reshape(tape.concat(shifted, 1), [g.batch, kw * g.outChannels, g.output[0] * row]);
  const parts = Array.from({ length: kh }, (_, i) => {
    const from = i * g.dilations[0];
    const cut = kh === 1 ? padded : tape.slice(padded, [2], [from], [from + g.output[0]]);
    const flat = tape.reshape(cut, [g.batch, g.inChannels, g.output[0] * row]);
    const product = tape.op('FusedMatMul', [stacked, flat], { transB: int(1) }, { domain: 'com.microsoft' });
    return tape.reshape(tape.sum(product, [0]), [1, kw, g.outChannels, g.inChannels]);
  });
  return tape.transpose(tape.concat(parts, 0), [2, 3, 0, 1]);
}

/**
 * dw[o, c, i, j] = sum over n, y, x of dy[n, o, y, x] * x[n, c, y s + i d - p, x s + j d - p]: for every place (i, j) of
 * the kernel one matrix product of dy with the input shifted there.
 */
function byPlaces(dy: string, x: string, g: Geometry, tape: Tape): string {
  const [top, left, bottom, right] = g.pads;
  const padded = tape.pad(x, [0, 0, top, left, 0, 0, bottom, right]);
  const depthwise = g.groups === g.inChannels && g.groups === g.outChannels;
  const pixels = g.output[0] * g.output[1];
  const channelsLast = g.groups === 1;
  const source = channelsLast ? tape.transpose(padded, [0, 2, 3, 1]) : padded;
  const together = channelsLast && fewPixels(pixels, g.inChannels);
  const gradient = channelsLast
    ? together
      ? tape.reshape(tape.transpose(dy, [0, 2, 3, 1]), [g.batch * pixels, g.outChannels])
      : tape.reshape(dy, [g.batch, g.outChannels, pixels])
    : depthwise
      ? dy
      : tape.reshape(dy, [g.batch, g.groups, g.outChannels / g.groups, pixels]);

  const places: string[] = [];
  const perGroup = g.inChannels / g.groups;
  for (let i = 0; i < g.kernel[0]; i++) {
    for (let j = 0; j < g.kernel[1]; j++) {
      const shifted = shiftedInput(source, channelsLast ? 1 : 2, i, j, g, tape);
      let part: string;
      if (together) {
        part = tape.op('Gemm', [gradient, tape.reshape(shifted, [g.batch * pixels, g.inChannels])], { transA: int(1) });
      } else if (channelsLast) {
        const columns = tape.reshape(shifted, [g.batch, pixels, g.inChannels]);
        part = tape.sum(tape.op('MatMul', [gradient, columns]), [0]);
      } else if (depthwise) {
        part = tape.sum(tape.op('Mul', [gradient, shifted]), [0, 2, 3]);
      } else {
        const columns = tape.reshape(shifted, [g.batch, g.groups, perGroup, pixels]);
        part = tape.sum(tape.op('MatMul', [gradient, tape.transpose(columns, [0, 1, 3, 2])]), [0]);
      }
      places.push(tape.reshape(part, [g.outChannels, perGroup, 1]));
    }
  }
  const joined = tape.concat(places, 2);
  return tape.reshape(joined, [g.outChannels, perGroup, ...g.kernel]);
}

/** The part of the padded input that meets place (i, j) of the kernel, one pixel for each output pixel. */
function shiftedInput(source: string, axis: number, i: number, j: number, g: Geometry, tape: Tape): string {
  const starts = [i * g.dilations[0], j * g.dilations[1]];
  const ends = starts.map((start, d) => start + (g.output[d]! - 1) * g.strides[d]! + 1);
  const whole = [0, 1].every(
    (d) => g.kernel[d] === 1 && g.strides[d] === 1 && g.output[d] === g.input[d]! + g.pads[d]! + g.pads[d + 2]!,
  );
  return whole ? source : tape.slice(source, [axis, axis + 1], starts, ends, g.strides);
}

/** Convolution: gradients of input, weight and bias. */
export const convolution = rule(['Conv'], ({ node, tape, dy, needs }) => {
  const [x = '', weight = ''] = node.inputs;
  const geometry = geometryOf(node, tape);
  return [
    needs(0) ? inputGradient(dy, weight, geometry, tape) : undefined,
    needs(1) ? weightGradient(dy, x, geometry, tape) : undefined,
    needs(2) ? tape.sum(dy, [0, 2, 3]) : undefined,
  ];
});
