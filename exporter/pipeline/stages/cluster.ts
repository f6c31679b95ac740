import { z } from 'zod';
import { clusterValues } from '../../../compression/clustering/values.ts';
import { type Layer, layersOf, storedOrder, weightRows } from '../../../compression/layers.ts';
import { collectMoments } from '../../../compression/rounding/collect.ts';
import { columnVariances, type InputMoments } from '../../../compression/rounding/moments.ts';
import { WaysideError } from '../../../core/errors.ts';
import { distinctFloats } from '../../../onnx/distinct.ts';
import type { Model } from '../../../onnx/graph.ts';
import { float32Tensor, type Tensor } from '../../../onnx/tensor.ts';
import { numberOf, numberWithDefault } from '../../plan/field-schema.ts';
import { FIELDS } from '../../plan/fields.ts';
import { requireLayers } from '../../reading/require-layers.ts';
import type { ClusteredLayer, Stage } from '../stage.ts';
import { trainingContext } from './training-context.ts';

const ClusterPlan = z.strictObject({
  clusters: numberOf(FIELDS.clusters),
  /** Weights count by what they are multiplied with on so many training images. */
  calibration: numberWithDefault(FIELDS.calibration),
});

/** Lets the weights of each layer take few values, in float. */
export const cluster: Stage<z.infer<typeof ClusterPlan>> = {
  name: 'cluster',
  plan: ClusterPlan,
  makes: 'float',
  resizes: false,
  async run(state, { clusters, calibration }, context) {
    const { train, ...run } = trainingContext(context, calibration);
    const moments = await collectMoments(state.model, layersOf(state.model.graph), train, run);
    const { model, layers } = await clustered(state.model, clusters, moments, context.signal);
    return { ...state, model, clustered: layers };
  },
};

/**
 * @param moments of what weights are multiplied with; without them every weight counts alike
 * @throws {WaysideError} NOTHING_TO_DO
 */
export async function clustered(
  model: Model,
  k: number,
  moments: ReadonlyMap<string, InputMoments> | undefined,
  signal: AbortSignal | undefined,
): Promise<{ readonly model: Model; readonly layers: readonly ClusteredLayer[] }> {
  requireLayers(model, 'cluster');
  const { graph } = model;
  const initializers = new Map<string, Tensor>(graph.initializers);
  const layers: ClusteredLayer[] = [];
  for (const layer of layersOf(graph)) {
    signal?.throwIfAborted();
    const [, weights = ''] = layer.node.inputs;
    if (initializers.get(weights) !== graph.initializers.get(weights)) continue; // shared with a layer before
    const rows = weightRows(layer);
    const found = clusterValues(rows, k, importanceIn(layer, moments?.get(layer.node.name)));
    initializers.set(weights, float32Tensor(layer.weights.dims, storedOrder(layer, found.values)));
    const [before, after] = [distinctFloats(rows), distinctFloats(found.values)];
    layers.push({ name: layer.node.name, weights: rows.length, before, after, error: found.error });
    await new Promise(setImmediate); // lets an interrupt be heard between layers
  }
  requireChange(layers, k);
  return { model: { ...model, graph: { ...graph, initializers } }, layers };
}

/** @throws {WaysideError} NOTHING_TO_DO where no layer had more values than asked for */
function requireChange(layers: readonly ClusteredLayer[], k: number): void {
  if (layers.some(({ before, after }) => after < before)) return;
  throw new WaysideError('NOTHING_TO_DO', {
    message: `no layer has more than ${k} distinct weights: the model would stay as it is`,
    hint: 'ask for fewer clusters',
  });
}

/** E[x^2] of what a weight is multiplied with. */
function importanceIn({ rows, columns, groups }: Layer, moments: InputMoments | undefined) {
  if (moments === undefined) return undefined;
  const squares = Array.from({ length: groups }, (_, g) =>
    columnVariances(moments, g).map((variance, i) => variance + moments.mean[g * columns + i]! ** 2),
  );
  return (position: number): number => {
    const row = Math.floor(position / columns);
    return squares[Math.floor((row * groups) / rows)]![position % columns]!;
  };
}
