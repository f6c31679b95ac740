import { typesAtBatch } from '../../../onnx/cost.ts';
import type { Model } from '../../../onnx/graph.ts';
import { valuesRead } from '../../../onnx/topology.ts';
import { IMAGES } from '../channels/propagate.ts';

/**
 * Positions of nodes before which a walk can wait: all that later nodes read of what earlier ones make is float32 and holds one entry
 * an image. In ascending order; 0, the image itself, is always among them.
 */
export function cutsOf(model: Model): readonly number[] {
  const { nodes, inputs, outputs } = model.graph;
  const types = typesAtBatch(model, IMAGES);
  const images = types.get(inputs[0]?.name ?? '')?.shape?.[0];
  const lastRead = new Map<string, number>();
  for (const [position, node] of nodes.entries()) for (const value of valuesRead(node)) lastRead.set(value, position);
  for (const { name } of outputs) lastRead.set(name, nodes.length);
  const clean = new Array<boolean>(nodes.length + 1).fill(true);
  for (const [position, { outputs: made }] of nodes.entries()) {
    for (const value of made) {
      const type = types.get(value);
      if (type?.dtype === 'float32' && type.shape?.[0] === images) continue;
      clean.fill(false, position + 1, (lastRead.get(value) ?? position) + 1);
    }
  }
  return clean.flatMap((each, position) => (each ? [position] : []));
}

/** The last of them that is not behind a position. */
export const cutBefore = (cuts: readonly number[], position: number): number =>
  cuts.findLast((cut) => cut <= position) ?? 0;
