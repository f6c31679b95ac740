import { ints, intsAttribute } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import type { Node } from '../../onnx/graph.ts';
import { pass } from '../../onnx/pass.ts';
import { int64Vector } from '../../onnx/tensor.ts';
import { indexGraph } from '../../onnx/topology.ts';
import { withoutDeadNodes } from '../passes/eliminate-dead.ts';
import { constantOf, withGraph } from '../passes/rewrite.ts';
import { activationsAfter, behindActivations } from './activations.ts';

/**
 * Writes a convolution over a line, as in the channel attention of ECA-Net, as one over an image of one row. ONNX Runtime runs both in int8; all
 * that is known here of convolutions is known of images.
 *
 * Leaves alone: weights that are computed.
 */
export const conv1dToConv2d = pass({
  name: 'conv1d-to-conv2d',
  run(model) {
    const { graph } = model;
    const isOverLine = ({ opType, domain, inputs }: Node): boolean =>
      opType === 'Conv' && domain === '' && constantOf(graph, inputs[1])?.dims.length === 3;
    if (!graph.nodes.some(isOverLine)) return model;
    const index = indexGraph(graph);
    const builder = GraphBuilder.over(graph);
    const replaced = new Map<Node, readonly Node[]>();
    for (const node of graph.nodes.filter(isOverLine)) {
      const activations = activationsAfter(index, node.outputs[0] ?? '');
      for (const activation of activations) replaced.set(activation, []);
      replaced.set(node, overImage(node, activations, builder));
    }
    const nodes = graph.nodes.flatMap((node) => replaced.get(node) ?? [node]);
    return withGraph(model, withoutDeadNodes({ ...graph, nodes, initializers: builder.initializers }));
  },
});

function overImage(node: Node, activations: readonly Node[], builder: GraphBuilder): readonly Node[] {
  const [x = '', w = '', ...bias] = node.inputs;
  const weights = builder.initializers.get(w);
  const [rows = 0, channels = 0, width = 0] = weights?.dims ?? [];
  const image = builder.value(`${x}_image`);
  const axes = builder.constant('height', int64Vector([2]));
  const filters = weights && builder.constant(`${w}_image`, { ...weights, dims: [rows, channels, 1, width] });
  const conv = (output: string): Node => ({
    ...node,
    inputs: [image, filters ?? w, ...bias],
    outputs: [output],
    attributes: { ...node.attributes, ...overWidth(node, width) },
  });
  const behind = behindActivations(activations, node.outputs[0] ?? '', (wanted) => builder.value(wanted), {
    made: conv,
    restore: (from, to) => builder.made('Squeeze', [from, axes], to),
  });
  return [builder.made('Unsqueeze', [x, axes], image), ...behind];
}

function overWidth(node: Node, width: number): Node['attributes'] {
  const [stride = 1] = intsAttribute(node, 'strides', [1]);
  const [dilation = 1] = intsAttribute(node, 'dilations', [1]);
  const pads = intsAttribute(node, 'pads', undefined);
  return {
    kernel_shape: ints([1, width]),
    strides: ints([1, stride]),
    dilations: ints([1, dilation]),
    ...(pads && { pads: ints([0, pads[0] ?? 0, 0, pads[1] ?? 0]) }),
  };
}
