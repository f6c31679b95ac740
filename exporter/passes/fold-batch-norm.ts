import { floatAttribute, intAttribute } from '../../onnx/attributes.ts';
import type { Graph, Node } from '../../onnx/graph.ts';
import { everyNode, pass } from '../../onnx/pass.ts';
import { asFloat32, float32Tensor, type Tensor } from '../../onnx/tensor.ts';
import { type GraphIndex, indexGraph } from '../../onnx/topology.ts';
import { livingParts } from './eliminate-dead.ts';
import { addConstant, constantOf, valueNames, withGraph } from './rewrite.ts';

/** A BatchNormalization as what it is at inference: y = factor * x + offset, per channel. */
export interface ChannelAffine {
  readonly factor: Float64Array;
  readonly offset: Float64Array;
}

/** undefined when a parameter is no float32 constant, or the node is in training mode. */
export function channelAffine(graph: Graph, node: Node): ChannelAffine | undefined {
  const [scale, bias, mean, variance] = node.inputs.slice(1).map((name) => constantOf(graph, name));
  if (!scale || !bias || !mean || !variance || intAttribute(node, 'training_mode', 0) !== 0) return undefined;
  if ([scale, bias, mean, variance].some(({ dtype }) => dtype !== 'float32')) return undefined;
  const epsilon = floatAttribute(node, 'epsilon', 1e-5);
  const [g, beta, mu, v] = [asFloat32(scale), asFloat32(bias), asFloat32(mean), asFloat32(variance)];
  const factor = Float64Array.from(g, (value, c) => value / Math.sqrt(v[c]! + epsilon));
  return { factor, offset: factor.map((f, c) => beta[c]! - mu[c]! * f) };
}

/**
 * Merges each BatchNormalization into the convolution or matrix product before it.
 *
 * w'[o] = w[o] * g[o] / sqrt(var[o] + eps);  b'[o] = (b[o] - mean[o]) * g[o] / sqrt(var[o] + eps) + beta[o]
 *
 * Leaves a layer alone whose output anyone else reads: its raw values would be gone.
 */
export const foldBatchNorm = pass({
  name: 'fold-batch-norm',
  ensures: [
    everyNode('no BatchNormalization follows a convolution that only it reads', (node, { graph }) =>
      node.opType === 'BatchNormalization' && absorber(graph, indexGraph(graph), node) ? 'does' : undefined,
    ),
  ],
  run(model, _, { note }) {
    const { graph } = model;
    const index = indexGraph(graph);
    const taken = valueNames(graph);
    const initializers = new Map(graph.initializers);
    const merged = new Map<Node, Node>();
    const gone = new Set<Node>();
    for (const node of graph.nodes) {
      const found = node.opType === 'BatchNormalization' ? absorber(graph, index, node) : undefined;
      if (found === undefined) continue;
      const { layer, weights, bias, affine } = found;
      const scaled = scaleChannels(weights, affine.factor, channelAxis(layer));
      const old = bias === undefined ? undefined : asFloat32(bias);
      const shifted = Float32Array.from(affine.offset, (offset, c) => (old?.[c] ?? 0) * affine.factor[c]! + offset);
      const [x = '', w = ''] = layer.inputs;
      const weightName = addConstant(initializers, taken, `${w}_folded`, scaled);
      const biasName = addConstant(initializers, taken, `${w}_bias`, float32Tensor([shifted.length], shifted));
      merged.set(layer, { ...layer, inputs: [x, weightName, biasName], outputs: node.outputs.slice(0, 1) });
      gone.add(node);
    }
    note(`merged ${gone.size} batch normalizations`);
    const nodes = graph.nodes.filter((node) => !gone.has(node)).map((node) => merged.get(node) ?? node);
    return withGraph(model, livingParts({ ...graph, nodes, initializers }));
  },
});

/** The layer that can take a BatchNormalization in. */
function absorber(graph: Graph, index: GraphIndex, node: Node) {
  const [input = ''] = node.inputs;
  const layer = index.producer(input);
  if (layer === undefined || layer.domain !== '' || (layer.opType !== 'Conv' && layer.opType !== 'Gemm'))
    return undefined;
  if (index.consumers(input).length > 1 || index.isOutput(input)) return undefined;
  if (layer.opType === 'Gemm' && floatAttribute(layer, 'beta', 1) !== 1) return undefined;
  const weights = constantOf(graph, layer.inputs[1]);
  const bias = constantOf(graph, layer.inputs[2]);
  const affine = channelAffine(graph, node);
  if (weights?.dtype !== 'float32' || affine === undefined || (bias === undefined && (layer.inputs[2] ?? '') !== '')) {
    return undefined;
  }
  const channels = affine.factor.length;
  if (weights.dims[channelAxis(layer)] !== channels) return undefined;
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
  return float32Tensor(
    weights.dims,
    Float32Array.from(values, (value, i) => value * factor[Math.floor(i / inner) % channels]!),
  );
}
