import { layersOf } from '../../compression/layers.ts';
import { WaysideError } from '../../core/errors.ts';
import type { Model } from '../../onnx/graph.ts';
import { indexGraph } from '../../onnx/topology.ts';
import { storedWeights } from '../../onnx/weights.ts';

/**
 * Said before minutes of work, not after.
 *
 * @param purpose as in "there is nothing to calibrate"
 * @throws {WaysideError} NOTHING_TO_DO for a model without a layer that the stages know
 */
export function requireLayers({ graph }: Model, purpose: string): void {
  if (layersOf(graph).length > 0) return;
  const [other] = storedWeights(graph, indexGraph(graph));
  throw new WaysideError('NOTHING_TO_DO', {
    message:
      other === undefined
        ? `the model has no convolution or matrix product with constant weights: there is nothing to ${purpose}`
        : `no convolution or matrix product of the model has a form that is known here, ${other.node.name} (${other.node.opType}) for one: there is nothing to ${purpose}`,
  });
}
