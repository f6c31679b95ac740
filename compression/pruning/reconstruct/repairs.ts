import type { Model, Node } from '../../../onnx/graph.ts';
import { type GraphIndex, indexGraph } from '../../../onnx/topology.ts';
import { type Layer, layerOf } from '../../layers.ts';

/** A layer whose weights are solved for anew, and what its result is held to. */
export interface Repair {
  readonly layer: Layer;
  /** Its node's place in the graph. */
  readonly position: number;
  /** Normalises the layer's output, and nothing else reads that. */
  readonly batchNorm: Node | undefined;
  /** The value compared with the original's: the layer's own, or the sum that it ends in. */
  readonly target: string;
  /** What is added to the layer's result to give the target, where that is known before the layer runs. */
  readonly shortcut: string | undefined;
}

/**
 * Every layer in the order of the graph. One that ends in a sum is held to the sum of the original less the shortcut
 * *as it is now*: so it makes up for what the shortcut has lost, too (He 2017, section 3.3).
 */
export function repairsOf({ graph }: Model): Repair[] {
  const index = indexGraph(graph);
  const place = new Map(graph.nodes.map((node, i) => [node, i]));
  const before = (value: string, position: number): boolean => {
    const producer = index.producer(value);
    return producer === undefined ? index.isInput(value) : place.get(producer)! < position;
  };
  return graph.nodes.flatMap((node, position): Repair[] => {
    const layer = layerOf(graph, node);
    if (layer === undefined) return [];
    const normalised = only(index, layer.output);
    const batchNorm = normalised?.opType === 'BatchNormalization' ? normalised : undefined;
    const result = batchNorm?.outputs[0] ?? layer.output;
    const sum = only(index, result);
    const shortcut = sum?.opType === 'Add' ? sum.inputs.find((value) => value !== result) : undefined;
    if (shortcut !== undefined && before(shortcut, position)) {
      return [{ layer, position, batchNorm, target: sum?.outputs[0] ?? '', shortcut }];
    }
    return [{ layer, position, batchNorm, target: result, shortcut: undefined }];
  });
}

/** The only node that reads a value; undefined where there are more, or the graph gives it away. */
function only(index: GraphIndex, value: string): Node | undefined {
  const [first, ...others] = index.consumers(value);
  return others.length === 0 && !index.isOutput(value) ? first : undefined;
}
