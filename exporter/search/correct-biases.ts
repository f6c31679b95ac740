import { observe } from '../../calibration/observe.ts';
import type { Layer } from '../../compression/layers.ts';
import type { Model } from '../../onnx/graph.ts';
import { withoutDeadNodes } from '../passes/eliminate-dead.ts';
import { withGraph } from '../passes/rewrite.ts';
import type { AskOptions } from './predictions.ts';

type Biases = ReadonlyMap<string, Float32Array>;

/** A bias that would change by twice its own size or more is left alone: the means of so few images are not to be trusted with it (NNCF's bound). */
const LARGEST_SHIFT = 2;

/**
 * Bias correction measured on the quantized network (Nagel 2019): b += E[y_float] - E[y_quantized] per channel, layer by layer
 * in topological order, so that each sees the inputs that the corrected layers before it make.
 *
 * @param biases of the quantized layers until now, by the name of the layer
 * @param quantizeWith the quantized model with these biases in place of its own
 * @throws {WaysideError} SESSION_LOAD, SESSION_RUN; AbortError when `signal` aborts
 */
export async function correctBiases(
  model: Model,
  layers: readonly Layer[],
  biases: Biases,
  quantizeWith: (biases: Biases) => Promise<Model>,
  { dataset, ...options }: AskOptions,
): Promise<Biases> {
  const run = plain(options);
  const corrected = new Map(biases);
  const all = layers.filter(({ node }) => biases.has(node.name));
  const expected = await observe(model, dataset, { ...run, values: all.map(({ output }) => output) });
  for (const { node, output } of all) {
    const quantized = await quantizeWith(corrected);
    const value = quantized.graph.nodes.find(({ name }) => name === node.name)?.outputs[0];
    const bias = corrected.get(node.name);
    if (value === undefined || bias === undefined) continue;
    const seen = await observe(upTo(quantized, value), dataset, { ...run, values: [value] });
    const wanted = expected.get(output)!.channels.means();
    const got = seen.get(value)!.channels.means();
    // Another layer around the output has its channels elsewhere.
    if (wanted.length !== bias.length || got.length !== bias.length) continue;
    corrected.set(
      node.name,
      bias.map((b, channel) => {
        const shift = wanted[channel]! - got[channel]!;
        return Math.abs(shift) < LARGEST_SHIFT * Math.abs(b) ? b + shift : b;
      }),
    );
  }
  return corrected;
}

const plain = ({ indices, preprocessing, threads, signal }: Omit<AskOptions, 'dataset'>) => ({
  indices,
  preprocessing,
  threads,
  signal,
});

/** Only what makes one value. */
function upTo(model: Model, value: string): Model {
  const graph = { ...model.graph, outputs: [{ name: value, dtype: 'float32' as const, shape: null }] };
  return withGraph(model, { ...graph, ...withoutDeadNodes(graph) });
}
