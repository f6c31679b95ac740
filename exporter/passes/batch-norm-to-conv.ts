import { int, ints } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import type { Node } from '../../onnx/graph.ts';
import { pass } from '../../onnx/pass.ts';
import { inferShapes } from '../../onnx/shapes.ts';
import { float32Tensor } from '../../onnx/tensor.ts';
import { channelAffine } from './channel-affine.ts';
import { withoutDeadNodes } from './eliminate-dead.ts';
import { constantOf, withGraph } from './rewrite.ts';

/**
 * Turns a BatchNormalization that nothing could absorb (after an Add or a Concat, as in DenseNet and pre-activation
 * ResNets) into a depthwise 1x1 convolution. ONNX Runtime has no int8 BatchNormalization, but it has this convolution,
 * and quantizing it costs nothing: with one weight a channel, scale = |w| / largest code represents it exactly.
 *
 * Only for images, `[N, C, H, W]`.
 */
export const batchNormToConv = pass({
  name: 'batch-norm-to-conv',
  run(model, _, { note }) {
    const { graph } = model;
    if (!graph.nodes.some(({ opType }) => opType === 'BatchNormalization')) return model;
    const types = inferShapes(model);
    const builder = GraphBuilder.over(graph);
    let turned = 0;
    const nodes = graph.nodes.map((node): Node => {
      const [input = '', scale] = node.inputs;
      const shape = types.get(input)?.shape;
      const channels = constantOf(graph, scale)?.dims[0] ?? 0;
      if (node.opType !== 'BatchNormalization' || shape?.length !== 4) return node;
      const affine = channelAffine(graph, node, { channels, rank: 4 });
      if (affine === undefined) return node;
      const weight = float32Tensor([channels, 1, 1, 1], Float32Array.from(affine.factor));
      const bias = float32Tensor([channels], Float32Array.from(affine.offset));
      turned++;
      return {
        ...node,
        opType: 'Conv',
        inputs: [input, builder.constant(`${node.name}_factor`, weight), builder.constant(`${node.name}_offset`, bias)],
        outputs: node.outputs.slice(0, 1),
        attributes: { group: int(channels), kernel_shape: ints([1, 1]) },
      };
    });
    if (turned > 0) note(`turned ${turned} batch normalizations into depthwise convolutions`);
    return withGraph(model, withoutDeadNodes({ ...graph, nodes, initializers: builder.initializers }));
  },
});
