import type { Graph } from '../onnx/graph.ts';

/** `-1` is the last. */
export type ChannelAxis = 1 | -1;

/** Where operators that know channels have them: images `[N, C, ...]`, and vectors `[..., C]` of a matrix product. */
const AXES: ReadonlyMap<string, ChannelAxis> = new Map([
  ['Conv', 1],
  ['ConvTranspose', 1],
  ['BatchNormalization', 1],
  ['Gemm', -1],
  ['MatMul', -1],
]);

/**
 * The axis of channels of every value that a layer takes or makes: only a layer knows. Tokens are `[N, T, C]`, from other hands
 * `[T, N, C]`, and where attention splits its heads any axis may be the batch. Where layers disagree the one that makes the value
 * is right, or else a convolution.
 */
export function channelAxes({ nodes }: Graph): ReadonlyMap<string, ChannelAxis> {
  const known = nodes.flatMap(({ opType, domain, inputs: [input = ''], outputs: [output = ''] }) => {
    const axis = domain === '' ? AXES.get(opType) : undefined;
    return axis === undefined ? [] : [{ axis, input, output }];
  });
  const read = known.toSorted((a, b) => a.axis - b.axis).map(({ axis, input }) => [input, axis] as const);
  return new Map([...read, ...known.map(({ axis, output }) => [output, axis] as const)]);
}

/** The axis counted from the front. */
export const positionOf = (axis: ChannelAxis, rank: number): number => (axis === -1 ? rank - 1 : axis);
