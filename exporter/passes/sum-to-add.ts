import type { Node } from '../../onnx/graph.ts';
import { noneOf, pass } from '../../onnx/pass.ts';
import { valueNames, withGraph } from './rewrite.ts';

/** Writes Sum, the residual sum of Caffe2's exporter, as Add, which has an int8 form; Sum has none. */
export const sumToAdd = pass({
  name: 'sum-to-add',
  ensures: [noneOf('Sum')],
  run(model) {
    const { graph } = model;
    const taken = valueNames(graph);
    for (const { name } of graph.nodes) taken.add(name);
    const nodes = graph.nodes.flatMap((node) =>
      node.opType === 'Sum' && node.domain === '' ? asAdds(node, taken) : [node],
    );
    return withGraph(model, { nodes });
  },
});

/** A chain of sums of two; a sum of one is an Identity. */
function asAdds(node: Node, taken: Set<string>): Node[] {
  const [first = '', ...others] = node.inputs;
  const [output = ''] = node.outputs;
  if (others.length === 0) return [{ ...node, opType: 'Identity' }];
  let sum = first;
  return others.map((other, i) => {
    const isLast = i === others.length - 1;
    let partial = `${output}_partial`;
    while (taken.has(partial)) partial += '_';
    taken.add(partial);
    const add = { ...node, opType: 'Add', inputs: [sum, other], outputs: [isLast ? output : partial] };
    sum = partial;
    return isLast ? add : { ...add, name: partial };
  });
}
