import { GraphBuilder } from '../../onnx/build.ts';
import type { Node } from '../../onnx/graph.ts';
import { noneOf, pass } from '../../onnx/pass.ts';
import { withGraph } from './rewrite.ts';

/** Writes Sum, the residual sum of Caffe2's exporter, as Add, which has an int8 form; Sum has none. */
export const sumToAdd = pass({
  name: 'sum-to-add',
  ensures: [noneOf('Sum')],
  run(model) {
    const { graph } = model;
    const builder = GraphBuilder.over(graph);
    const nodes = graph.nodes.flatMap((node) =>
      node.opType === 'Sum' && node.domain === '' ? asAdds(node, builder) : [node],
    );
    return withGraph(model, { nodes });
  },
});

/** A chain of sums of two; a sum of one is an Identity. */
function asAdds(node: Node, builder: GraphBuilder): Node[] {
  const [first = '', ...others] = node.inputs;
  const [output = ''] = node.outputs;
  if (others.length === 0) return [{ ...node, opType: 'Identity' }];
  let sum = first;
  return others.map((other, i) => {
    const isLast = i === others.length - 1;
    const inputs = [sum, other];
    if (isLast) return { ...node, opType: 'Add', inputs };
    sum = builder.value(`${output}_partial${'_'.repeat(i)}`);
    return builder.made('Add', inputs, sum);
  });
}
