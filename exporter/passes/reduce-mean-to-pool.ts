import { int, intAttribute, intsAttribute } from '../../onnx/attributes.ts';
import type { Graph, Node } from '../../onnx/graph.ts';
import { pass } from '../../onnx/pass.ts';
import { inferShapes } from '../../onnx/shapes.ts';
import { asIntegers } from '../../onnx/tensor.ts';
import { livingParts } from './eliminate-dead.ts';
import { constantOf, valueNames, withGraph } from './rewrite.ts';

/**
 * Writes the mean over height and width of a picture as GlobalAveragePool, which has an int8 form; ReduceMean has none.
 * Where the reduced axes are dropped, a Flatten follows.
 */
export const reduceMeanToPool = pass({
  name: 'reduce-mean-to-pool',
  run(model) {
    const { graph } = model;
    if (!graph.nodes.some(({ opType }) => opType === 'ReduceMean')) return model;
    const types = inferShapes(model);
    const taken = valueNames(graph);
    const nodes = graph.nodes.flatMap((node): Node[] => {
      const [input = ''] = node.inputs;
      if (node.opType !== 'ReduceMean' || types.get(input)?.shape?.length !== 4) return [node];
      const axes = reducedAxes(graph, node)
        ?.map((axis) => (axis < 0 ? axis + 4 : axis))
        .sort();
      if (axes?.length !== 2 || axes[0] !== 2 || axes[1] !== 3) return [node];
      const pool = { ...node, opType: 'GlobalAveragePool', inputs: [input], attributes: {} };
      if (intAttribute(node, 'keepdims', 1) === 1) return [pool];
      let pooled = `${node.outputs[0]}_pooled`;
      while (taken.has(pooled)) pooled += '_';
      taken.add(pooled);
      const flatten: Node = {
        ...node,
        name: `${node.name}_flatten`,
        opType: 'Flatten',
        inputs: [pooled],
        attributes: { axis: int(1) },
      };
      return [{ ...pool, outputs: [pooled] }, flatten];
    });
    return withGraph(model, livingParts({ ...graph, nodes }));
  },
});

/** An attribute up to opset 17, an input from 18 on. */
function reducedAxes(graph: Graph, node: Node): number[] | undefined {
  const attribute = intsAttribute(node, 'axes', undefined);
  if (attribute !== undefined) return [...attribute];
  const axes = constantOf(graph, node.inputs[1]);
  return axes === undefined ? undefined : asIntegers(axes);
}
