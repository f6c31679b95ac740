import { floatAttribute, intAttribute } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import type { Graph, Node } from '../../onnx/graph.ts';
import { everyNode, pass } from '../../onnx/pass.ts';
import { asFloat32, float32Tensor, type Tensor } from '../../onnx/tensor.ts';
import { type GraphIndex, indexGraph } from '../../onnx/topology.ts';
import { affineInput, type ChannelAffine, channelAffine } from './channel-affine.ts';
import { withoutDeadNodes } from './eliminate-dead.ts';
import { constantOf, withGraph } from './rewrite.ts';

/**
 * Merges each BatchNormalization into the convolution or matrix product before it; so too a Mul, Add, Sub or Div with one
 * constant a channel, as exporters from TensorFlow write a normalisation or a bias.
 *
 * w'[o] = w[o] * factor[o];  b'[o] = b[o] * factor[o] + offset[o]
 *
 * Leaves a layer alone whose output anyone else reads: its raw values would be gone.
 */
export const foldBatchNorm = pass({
  name: 'fold-batch-norm',
  ensures: [
    everyNode('nothing that scales channels follows a convolution that only it reads', (node, { graph }) =>
      affineInput(graph, node) !== undefined && absorber(graph, indexGraph(graph), node) ? 'does' : undefined,
    ),
  ],
  run(model, _, { note }) {
    let { graph } = model;
    let merged = 0;
    for (;;) {
      const { nodes, initializers, count } = mergedOnce(graph);
      if (count === 0) break;
      merged += count;
      graph = { ...graph, ...withoutDeadNodes({ ...graph, nodes, initializers }) };
    }
    if (merged > 0) note(`merged ${merged} normalizations and biases into the layers before them`);
    return withGraph(model, graph);
  },
});

/** One of the operators behind each layer merged into it; a Mul and an Add take two rounds. */
function mergedOnce(graph: Graph): Pick<Graph, 'nodes' | 'initializers'> & { readonly count: number } {
  const index = indexGraph(graph);
  const builder = GraphBuilder.over(graph);
  const merged = new Map<Node, Node>();
  const gone = new Set<Node>();
  for (const node of graph.nodes) {
    const found = absorber(graph, index, node);
    if (found === undefined || merged.has(found.layer)) continue;
    const { layer, weights, bias, affine } = found;
    const scaled = scaleChannels(weights, affine.factor, channelAxis(layer));
    const old = bias === undefined ? undefined : asFloat32(bias);
    const shifted = Float32Array.from(affine.offset, (offset, c) => (old?.[c] ?? 0) * affine.factor[c]! + offset);
    const [x = '', w = ''] = layer.inputs;
    const weightName = builder.constant(`${w}_folded`, scaled);
    const biasName = builder.constant(`${w}_bias`, float32Tensor([shifted.length], shifted));
    merged.set(layer, { ...layer, inputs: [x, weightName, biasName], outputs: node.outputs.slice(0, 1) });
    gone.add(node);
  }
  const nodes = graph.nodes.filter((node) => !gone.has(node)).map((node) => merged.get(node) ?? node);
  return { nodes, initializers: builder.initializers, count: gone.size };
}

/** A layer, and what behind it can be merged into it. */
interface Absorber {
  readonly layer: Node;
  readonly weights: Tensor;
  readonly bias: Tensor | undefined;
  readonly affine: ChannelAffine;
}

/** The layer that can take this node in. */
function absorber(graph: Graph, index: GraphIndex, node: Node): Absorber | undefined {
  const input = affineInput(graph, node);
  const layer = input === undefined ? undefined : index.producer(input);
  if (
    input === undefined ||
    layer === undefined ||
    layer.domain !== '' ||
    (layer.opType !== 'Conv' && layer.opType !== 'Gemm')
  )
    return undefined;
  if (index.consumers(input).length > 1 || index.isOutput(input)) return undefined;
  if (layer.opType === 'Gemm' && floatAttribute(layer, 'beta', 1) !== 1) return undefined;
  const weights = constantOf(graph, layer.inputs[1]);
  const bias = constantOf(graph, layer.inputs[2]);
  const channels = weights?.dims[channelAxis(layer)] ?? 0;
  const rank = layer.opType === 'Conv' ? (weights?.dims.length ?? 0) : 2;
  const affine = channelAffine(graph, node, { channels, rank });
  if (weights?.dtype !== 'float32' || affine === undefined || (bias === undefined && (layer.inputs[2] ?? '') !== '')) {
    return undefined;
  }
  // A Gemm's bias may be broadcast in other ways: only one value a channel is understood here.
  if (bias !== undefined && (bias.dtype !== 'float32' || bias.dims.length !== 1 || bias.dims[0] !== channels))
    return undefined;
  return { layer, weights, bias, affine };
}

const channelAxis = (layer: Node): number =>
  layer.opType === 'Conv' || intAttribute(layer, 'transB', 0) === 1 ? 0 : 1;

function scaleChannels(weights: Tensor, factor: Float64Array, axis: number): Tensor {
  const values = asFloat32(weights);
  const channels = factor.length;
  const inner = axis === 0 ? values.length / channels : 1;
  // `Float32Array.from` walks an iterator: ten times as long on the 23 million weights of ResNet50.
  const scaled = new Float32Array(values.length);
  for (let channel = 0; channel < values.length / inner; channel++) {
    const by = factor[channel % channels]!;
    for (let i = channel * inner; i < (channel + 1) * inner; i++) scaled[i] = values[i]! * by;
  }
  return float32Tensor(weights.dims, scaled);
}
