import { int, intAttribute, intsAttribute } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import type { Graph, Node } from '../../onnx/graph.ts';
import { pass } from '../../onnx/pass.ts';
import { inferShapes } from '../../onnx/shapes.ts';
import { asIntegers } from '../../onnx/tensor.ts';
import { withoutDeadNodes } from './eliminate-dead.ts';
import { constantOf, withGraph } from './rewrite.ts';

/**
 * Writes the mean over height and width of an image as GlobalAveragePool, which has an int8 form; ReduceMean has none.
 * Where the reduced axes are dropped, a Flatten follows.
 */
export const reduceMeanToPool = pass({
  name: 'reduce-mean-to-pool',
  run(model) {
    const { graph } = model;
    if (!graph.nodes.some(({ opType }) => opType === 'ReduceMean')) return model;
    const types = inferShapes(model);
    const builder = GraphBuilder.over(graph);
    const nodes = graph.nodes.flatMap((node): Node[] => {
      const [input = ''] = node.inputs;
      if (node.opType !== 'ReduceMean' || types.get(input)?.shape?.length !== 4) return [node];
      const axes = reducedAxes(graph, node)
        ?.map((axis) => (axis < 0 ? axis + 4 : axis))
        .sort();
      if (axes?.length !== 2 || axes[0] !== 2 || axes[1] !== 3) return [node];
      const pool = { ...node, opType: 'GlobalAveragePool', inputs: [input], attributes: {} };
      if (intAttribute(node, 'keepdims', 1) === 1) return [pool];
      const pooled = builder.value(`${node.outputs[0]}_pooled`);
      const flatten: Node = {
        ...node,
        name: builder.nodeName(`${node.name}_flatten`),
        opType: 'Flatten',
        inputs: [pooled],
        attributes: { axis: int(1) },
      };
      return [{ ...pool, outputs: [pooled] }, flatten];
    });
    return withGraph(model, withoutDeadNodes({ ...graph, nodes }));
  },
});

/** An attribute up to opset 17, an input from 18 on. */
function reducedAxes(graph: Graph, node: Node): number[] | undefined {
  const attribute = intsAttribute(node, 'axes', undefined);
  if (attribute !== undefined) return [...attribute];
  const axes = constantOf(graph, node.inputs[1]);
  return axes === undefined ? undefined : asIntegers(axes);
}
