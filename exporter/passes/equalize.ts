import { layersOf, storedOrder } from '../../compression/layers.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import type { Graph, Model, Node } from '../../onnx/graph.ts';
import { pass } from '../../onnx/pass.ts';
import { asFloat32, float32Tensor, type Tensor } from '../../onnx/tensor.ts';
import { type Pair, pairsOf, reachOf, weightsOf } from './channel-pairs.ts';
import { constantOf, withGraph } from './rewrite.ts';

interface EqualizeOptions {
  /** Rounds over all pairs; depthwise chains need several. */
  readonly rounds: number;
}

/** Below this relative change nothing is left to equalize. */
const CONVERGED = 1e-3;

/**
 * Cross-layer equalization (Nagel 2019): scales the channels between layers so that each channel's weights reach as far in the
 * layer that makes it as in those that read it, s = sqrt(r1 * r2) / r2 with r = max |w|; W1 and b1 are divided by s, W2 is
 * multiplied. What the model computes stays the same, to float32 rounding: everything between must be positively homogeneous.
 *
 * A channel that is 100 times weaker than its neighbours has 100 times fewer of the activation's 256 codes; afterwards
 * all are about as strong. Rounds go on until no channel changes by more than a thousandth: in a chain (pointwise,
 * depthwise, pointwise) every pair disturbs the next.
 *
 * Leaves alone: channels that an Add, a ReLU6, the output of the graph or anything not homogeneous reads; layers that share
 * their weights. High-bias absorption (the paper's next step) is left out on purpose: it is exact only where no reader
 * pads with zeros, which leaves nothing of a ResNet or MobileNet, and asymmetric uint8 activations gain little by it.
 */
export const equalize = pass<EqualizeOptions>({
  name: 'equalize',
  defaults: { rounds: 40 },
  run(model, { rounds }, { note }) {
    const { graph } = model;
    const pairs = pairsOf(model);
    const weights = weightsOf(pairs);
    const factors = new Map(pairs.map(({ maker }) => [maker.node, new Float64Array(maker.rows).fill(1)]));
    for (let round = 0; round < rounds; round++) {
      let change = 0;
      for (const pair of pairs) change = Math.max(change, equalizePair(pair, weights, factors.get(pair.maker.node)!));
      if (change < CONVERGED) break;
    }
    note(`equalized the channels of ${pairs.length} layers`);
    return rewritten(model, graph, weights, factors);
  },
});

/** @returns the largest |log s| */
function equalizePair(pair: Pair, weights: ReadonlyMap<Node, Float64Array>, factors: Float64Array): number {
  const { maker, readers } = pair;
  const made = weights.get(maker.node)!;
  const { rows, columns } = maker;
  let change = 0;
  for (let channel = 0; channel < rows; channel++) {
    const { made: r1, read: r2 } = reachOf(pair, weights, channel);
    // A channel that is never made or never read has nothing to gain; its scale would be 0 or infinite.
    if (r1 < 1e-20 || r2 < 1e-20) continue;
    const s = Math.sqrt(r1 * r2) / r2;
    change = Math.max(change, Math.abs(Math.log(s)));
    factors[channel]! *= s;
    for (let i = channel * columns; i < (channel + 1) * columns; i++) made[i]! /= s;
    for (const reader of readers) {
      const read = weights.get(reader.layer.node)!;
      reader.forEachWeight(channel, (at) => {
        read[at]! *= s;
      });
    }
  }
  return change;
}

function rewritten(
  model: Model,
  graph: Graph,
  weights: ReadonlyMap<Node, Float64Array>,
  factors: ReadonlyMap<Node, Float64Array>,
): Model {
  const builder = GraphBuilder.over(graph);
  const layers = new Map(layersOf(graph).map((layer) => [layer.node, layer]));
  const nodes = graph.nodes.map((node) => {
    const values = weights.get(node);
    const layer = layers.get(node);
    if (values === undefined || layer === undefined) return node;
    const [x = '', w = '', b = ''] = node.inputs;
    const tensor = float32Tensor(layer.weights.dims, storedOrder(layer, Float32Array.from(values)));
    builder.initializers.delete(w); // the new one stands last, as all that was rewritten
    builder.initializers.set(w, tensor);
    const inputs = [x, w];
    if (b !== '') inputs.push(scaledBias(b, constantOf(graph, b)!, factors.get(node), builder));
    return { ...node, inputs };
  });
  return withGraph(model, { nodes, initializers: builder.initializers });
}

/** Under a name of its own where it changes: others may read the same bias. */
function scaledBias(name: string, bias: Tensor, factors: Float64Array | undefined, builder: GraphBuilder): string {
  if (factors === undefined) return name;
  const values = asFloat32(bias).map((value, channel) => value / factors[channel]!);
  return builder.constant(name, float32Tensor(bias.dims, values));
}
