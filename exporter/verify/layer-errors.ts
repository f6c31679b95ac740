import type { Batch } from '../../calibration/batches.ts';
import { observing, runOver } from '../../calibration/run-over.ts';
import { floatsOf, type Results } from '../../inference/session.ts';
import type { Graph, Model, Node } from '../../onnx/graph.ts';
import { type AskOptions, imagesOf, spreadOver } from '../search/predictions.ts';

/** How far the outputs of layers moved. */
export interface LayerErrors {
  readonly images: number;
  /** Signal to quantization noise of each layer's output in dB, by the name of the layer. */
  readonly decibels: ReadonlyMap<string, number>;
  /** Mean square of each layer's output in float. */
  readonly signal: ReadonlyMap<string, number>;
}

/** What is compared: a node of the float graph and the value it makes. */
interface ComparedLayer {
  readonly node: Node;
  readonly output: string;
}

const PRODUCTS = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);

/** Every convolution and matrix product, those of two activations too. */
export const productsOf = ({ nodes }: Graph): readonly ComparedLayer[] =>
  nodes.flatMap((node) =>
    node.domain === '' && PRODUCTS.has(node.opType) ? [{ node, output: node.outputs[0] ?? '' }] : [],
  );

/** A layer's output is thousands of values an image: more images change the figure by tenths of a dB. */
const IMAGES = 32;

/**
 * Runs a float model and what was made of it on the same images and compares every layer's output, before any activation:
 * 10 log10(sum y^2 / sum (y - y^)^2). What layers before it got wrong is part of a layer's error.
 *
 * @param quantized has the layers under their names in the float model
 * @throws {WaysideError} SESSION_LOAD, SESSION_RUN; AbortError when `signal` aborts
 */
export async function measureLayerErrors(
  float: Model,
  quantized: Model,
  layers: readonly ComparedLayer[],
  { dataset, indices: all, preprocessing, threads, signal }: AskOptions,
): Promise<LayerErrors> {
  const made = new Map(quantized.graph.nodes.map(({ name, outputs }) => [name, outputs[0] ?? '']));
  const pairs = layers.flatMap(({ node, output }) => {
    const after = made.get(node.name);
    return after === undefined || after === '' ? [] : [{ name: node.name, before: output, after }];
  });
  const before = pairs.map((pair) => pair.before);
  const after = pairs.map((pair) => pair.after);
  const indices = spreadOver(all, imagesOf(preprocessing, IMAGES));
  const sums = pairs.map(() => ({ signal: 0, noise: 0, values: 0 }));
  await observing(float, before, threads, (original) =>
    observing(quantized, after, threads, (compressed) => {
      const see = async ({ tensor, count }: Batch, expected: Results): Promise<void> => {
        const got = await compressed.run({ [compressed.input.name]: tensor }, { outputs: after });
        for (const [i, pair] of pairs.entries()) {
          const [y, z] = [floatsOf(expected, pair.before), floatsOf(got, pair.after)];
          add(sums[i]!, y, z, (y.length / (tensor.dims[0] ?? 1)) * count);
        }
      };
      const run = { preprocessing, indices, batchSize: 1, signal };
      return runOver(original, dataset, [{ values: before, see }], run);
    }),
  );
  const decibels = pairs.map(({ name }, i) => [name, ratioOf(sums[i]!)] as const);
  const powers = pairs.map(({ name }, i) => [name, sums[i]!.signal / Math.max(1, sums[i]!.values)] as const);
  return { images: indices.length, decibels: new Map(decibels), signal: new Map(powers) };
}

interface Sums {
  signal: number;
  noise: number;
  values: number;
}

/** The first `length` values: the rest of a fixed batch repeats images. */
function add(sums: Sums, y: Float32Array, z: Float32Array, length: number): void {
  sums.values += length;
  for (let i = 0; i < length; i++) {
    sums.signal += y[i]! ** 2;
    sums.noise += (y[i]! - z[i]!) ** 2;
  }
}

/** Of a float32's 24 bits of mantissa no more than 144 dB can be seen. */
const ratioOf = ({ signal, noise }: Sums): number =>
  noise <= 0 ? 144 : Math.min(144, 10 * Math.log10(Math.max(signal, 1e-30) / noise));
