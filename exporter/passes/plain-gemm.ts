import { floatAttribute, hasAttribute } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import type { Graph, Node } from '../../onnx/graph.ts';
import { pass } from '../../onnx/pass.ts';
import { asFloat32, float32Tensor, type Tensor } from '../../onnx/tensor.ts';
import { withoutDeadNodes } from './eliminate-dead.ts';
import { constantOf, withGraph } from './rewrite.ts';

/**
 * Multiplies the factors alpha and beta of a Gemm into its constant weights and bias, and writes the bias as one value a
 * column: the form that has an int8 kernel.
 *
 * Leaves alone a bias that differs from row to row.
 */
export const plainGemm = pass({
  name: 'plain-gemm',
  run(model) {
    const { graph } = model;
    const builder = GraphBuilder.over(graph);
    const nodes = graph.nodes.map((node) => {
      const [x = '', w = '', b = ''] = node.inputs;
      const parts = node.opType === 'Gemm' && node.domain === '' ? plainParts(graph, node) : undefined;
      if (parts === undefined) return node;
      const { alpha: _, beta: __, ...attributes } = node.attributes;
      const inputs = [x, builder.constant(`${w}_plain`, parts.weights)];
      if (parts.bias !== undefined) inputs.push(builder.constant(`${b}_plain`, parts.bias));
      return { ...node, inputs, attributes };
    });
    return withGraph(model, withoutDeadNodes({ ...graph, nodes, initializers: builder.initializers }));
  },
});

/** New weights and bias; undefined when nothing is to be done, or cannot be. */
function plainParts(graph: Graph, node: Node): { weights: Tensor; bias: Tensor | undefined } | undefined {
  const [, w, b = ''] = node.inputs;
  const weights = constantOf(graph, w);
  const bias = constantOf(graph, b);
  if (weights?.dtype !== 'float32' || weights.dims.length !== 2) return undefined;
  if (b !== '' && bias?.dtype !== 'float32') return undefined;
  const [alpha, beta] = [floatAttribute(node, 'alpha', 1), floatAttribute(node, 'beta', 1)];
  const columns = weights.dims[hasAttribute(node, 'transB') && node.attributes.transB?.value === 1 ? 0 : 1] ?? 0;
  const plain = bias === undefined || (bias.dims.length === 1 && bias.dims[0] === columns);
  if (plain && alpha === 1 && (beta === 1 || bias === undefined)) return undefined;
  const row = bias === undefined ? undefined : scaledRow(bias, columns, beta);
  if (bias !== undefined && row === undefined) return undefined;
  return {
    weights: float32Tensor(
      weights.dims,
      asFloat32(weights).map((value) => value * alpha),
    ),
    bias: row,
  };
}

function scaledRow({ dims, ...rest }: Tensor, columns: number, beta: number): Tensor | undefined {
  const values = asFloat32({ dims, ...rest });
  const oneARow = values.length === 1 || (values.length === columns && dims.at(-1) === columns);
  if (!oneARow || dims.length > 2) return undefined;
  return float32Tensor(
    [columns],
    Float32Array.from({ length: columns }, (_, c) => values[c % values.length]! * beta),
  );
}
