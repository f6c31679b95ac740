import { floatAttribute } from '../../../onnx/attributes.ts';
import type { Model, Node } from '../../../onnx/graph.ts';
import { asFloat32, float32Tensor } from '../../../onnx/tensor.ts';
import { type Layer, weightRows } from '../../layers.ts';
import { copyPatch, outputOf } from '../../rounding/patches.ts';
import type { Algebra } from './fit-problem.ts';
import { withLayerWeights } from './layer-weights.ts';
import { leastSquares } from './least-squares.ts';
import { type Positions, TOGETHER } from './positions.ts';
import type { Repair } from './repairs.ts';
import type { Activation } from './walk.ts';

interface LayerSamples {
  /** What the layer is fed now. */
  readonly input: Activation;
  /** Images. */
  readonly count: number;
  readonly positions: Positions;
  /** What its result should be there, `[positions, rows]`; overwritten. */
  readonly rows: Float32Array;
  readonly damping: number;
  /** Room for what the layer is fed at those places, `[positions, columns]` or more; overwritten. */
  readonly room: Float32Array;
}

interface SolvedLayer {
  readonly model: Model;
  readonly before: number;
  readonly after: number;
}

/** Solves for one layer's weights, each group of a grouped convolution on its own. */
export async function solveLayer(
  model: Model,
  { layer, batchNorm }: Repair,
  samples: LayerSamples,
  algebra: Algebra,
): Promise<SolvedLayer> {
  const { rows: outputs, columns, groups } = layer;
  const count = samples.positions.places.length;
  const normal = batchNorm === undefined ? undefined : normalisation(model, batchNorm);
  const weights = weightRows(layer).slice();
  const bias = layer.bias?.slice() ?? new Float32Array(outputs);
  const perGroup = outputs / groups;
  let [before, after] = [0, 0];
  for (let group = 0; group < groups; group++) {
    algebra.signal?.throwIfAborted();
    const from = group * perGroup;
    const part = weights.subarray(from * columns, (from + perGroup) * columns);
    const found = await leastSquares(
      {
        x: inputRows(layer, samples, group),
        y: outputRows(samples, outputs, from, perGroup, normal),
        samples: count,
        inputs: columns,
        outputs: perGroup,
        weights: part,
        bias: Float64Array.from(bias.subarray(from, from + perGroup)),
        damping: samples.damping,
      },
      algebra,
    );
    // Nothing that was solved for is worth a weight that is not finite.
    if (!found.weights.every(Number.isFinite) || !found.bias.every(Number.isFinite)) continue;
    part.set(found.weights);
    bias.set(found.bias, from);
    before += found.before / groups;
    after += found.after / groups;
  }
  return { model: written(model, layer, weights, bias, batchNorm), before, after };
}

/** Columns of im2col of one group at every drawn place; the vectors themselves for a matrix product. */
function inputRows({ window, columns }: Layer, { input, count, positions, room }: LayerSamples, group: number) {
  if (window === undefined) return input.data.slice();
  const x = room.subarray(0, positions.places.length * columns);
  const [channels = 1, height = 1, width = 1] = input.dims;
  const size = { channels, height, width };
  const out = outputOf(window, size);
  const area = window.kernel[0] * window.kernel[1];
  const perGroup = columns / area;
  for (let image = 0; image < count; image++) {
    const start = image * channels * height * width;
    for (let first = 0; first < perGroup; first += TOGETHER) {
      const some = Math.min(TOGETHER, perGroup - first);
      for (let p = 0; p < positions.perImage; p++) {
        const sample = image * positions.perImage + p;
        const place = positions.places[sample]!;
        const row = Math.floor(place / out.columns);
        const top = row * window.strides[0] - out.top;
        const left = (place - row * out.columns) * window.strides[1] - out.left;
        const at = sample * columns + first * area;
        copyPatch(input.data, start, size, window, { top, left }, group * perGroup + first, some, x, at);
      }
    }
  }
  return x;
}

interface Normalisation {
  readonly gain: Float64Array;
  readonly shift: Float64Array;
}

/** Channels whose gain is smaller than this carry nothing that could be solved for. */
const LEAST_GAIN = 1e-6;

/** BatchNormalization as y = gain x + shift. */
function normalisation(model: Model, node: Node): Normalisation {
  const [gain, shift, mean, variance] = node.inputs
    .slice(1, 5)
    .map((name) => asFloat32(model.graph.initializers.get(name)!)) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const epsilon = floatAttribute(node, 'epsilon', 1e-5);
  const gains = Float64Array.from(gain, (g, c) => g / Math.sqrt(variance[c]! + epsilon));
  return { gain: gains, shift: Float64Array.from(shift, (b, c) => b - gains[c]! * mean[c]!) };
}

/** Targets of one group, before the normalisation that follows; in their own memory where there is one group. */
function outputRows(
  { rows, positions }: LayerSamples,
  outputs: number,
  from: number,
  count: number,
  normal: Normalisation | undefined,
): Float32Array {
  const y = count === outputs ? rows : new Float32Array(positions.places.length * count);
  for (let r = 0; r < positions.places.length; r++) {
    for (let o = 0; o < count; o++) {
      const value = rows[r * outputs + from + o]!;
      if (normal === undefined) y[r * count + o] = value;
      else {
        const gain = normal.gain[from + o]!;
        y[r * count + o] = Math.abs(gain) < LEAST_GAIN ? 0 : (value - normal.shift[from + o]!) / gain;
      }
    }
  }
  return y;
}

/** A normalisation that follows takes the bias into its mean: no addition more at run time. */
function written(model: Model, layer: Layer, weights: Float32Array, bias: Float32Array, batchNorm: Node | undefined) {
  if (batchNorm === undefined || layer.bias !== undefined) return withLayerWeights(model, layer, weights, bias);
  const changed = withLayerWeights(model, layer, weights);
  const { graph } = changed;
  const [, , , meanName = ''] = batchNorm.inputs;
  const mean = graph.initializers.get(meanName)!;
  const moved = asFloat32(mean).map((m, c) => m - bias[c]!);
  const initializers = new Map(graph.initializers).set(meanName, float32Tensor(mean.dims, moved));
  return { ...changed, graph: { ...graph, initializers } };
}
