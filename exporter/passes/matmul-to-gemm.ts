import { GraphBuilder } from '../../onnx/build.ts';
import type { Graph, Node } from '../../onnx/graph.ts';
import { pass } from '../../onnx/pass.ts';
import { inferShapes } from '../../onnx/shapes.ts';
import { elementCount, type Tensor } from '../../onnx/tensor.ts';
import { indexGraph } from '../../onnx/topology.ts';
import { withoutDeadNodes } from './eliminate-dead.ts';
import { constantOf, withGraph } from './rewrite.ts';

/**
 * Joins MatMul and the Add of its bias into one Gemm, the form of a fully connected layer that fuses with its bias in int8.
 *
 * Leaves alone: inputs that are not `[N, features]` (Gemm takes matrices only), a product that someone else reads, and an
 * Add of anything but one constant a column.
 */
export const matmulToGemm = pass({
  name: 'matmul-to-gemm',
  run(model) {
    const { graph } = model;
    if (!graph.nodes.some(({ opType }) => opType === 'MatMul')) return model;
    const types = inferShapes(model);
    const index = indexGraph(graph);
    const builder = GraphBuilder.over(graph);
    const replaced = new Map<Node, Node | undefined>();
    for (const node of graph.nodes) {
      const [x = '', w = ''] = node.inputs;
      const [product = ''] = node.outputs;
      const weights = constantOf(graph, w);
      if (node.opType !== 'MatMul' || weights?.dims.length !== 2 || types.get(x)?.shape?.length !== 2) continue;
      const [add, ...others] = index.consumers(product);
      if (add?.opType !== 'Add' || others.length > 0 || index.isOutput(product)) continue;
      const biasInput = add.inputs[0] === product ? add.inputs[1] : add.inputs[0];
      const bias = biasOf(graph, biasInput, weights);
      if (biasInput === undefined || bias === undefined) continue;
      const biasName =
        bias.dims.length === 1 && bias === constantOf(graph, biasInput)
          ? biasInput
          : builder.constant(`${biasInput}_row`, bias);
      replaced.set(node, { ...node, opType: 'Gemm', inputs: [x, w, biasName], outputs: add.outputs, attributes: {} });
      replaced.set(add, undefined);
    }
    const nodes = graph.nodes.flatMap((node) => {
      if (!replaced.has(node)) return [node];
      const other = replaced.get(node);
      return other === undefined ? [] : [other];
    });
    return withGraph(model, withoutDeadNodes({ ...graph, nodes, initializers: builder.initializers }));
  },
});

/** A constant that adds one value to each column, as `[columns]`. */
function biasOf(graph: Graph, name: string | undefined, weights: Tensor): Tensor | undefined {
  const bias = constantOf(graph, name);
  const columns = weights.dims[1] ?? 0;
  if (bias === undefined || bias.dims.at(-1) !== columns || elementCount(bias.dims) !== columns) return undefined;
  return bias.dims.length === 1 ? bias : { ...bias, dims: [columns] };
}
