import { ints, intsAttribute, stringAttribute } from '../../../onnx/attributes.ts';
import type { Graph, Node } from '../../../onnx/graph.ts';
import { pass } from '../../../onnx/pass.ts';
import { asFloat32, asIntegers } from '../../../onnx/tensor.ts';
import { indexGraph } from '../../../onnx/topology.ts';
import { withoutDeadNodes } from '../eliminate-dead.ts';
import { constantOf, withGraph } from '../rewrite.ts';

/**
 * Moves a Pad with zeros around height and width into the convolutions that read it.
 *
 * Only when every reader is a convolution with explicit pads, else the Pad would have to stay anyway; a MaxPool's own
 * padding is minus infinity, not zero, so a Pad before one is never moved.
 */
export const foldPad = pass({
  name: 'fold-pad',
  run(model) {
    const { graph } = model;
    const index = indexGraph(graph);
    const moved = new Map<Node, Node>();
    for (const node of graph.nodes) {
      const pads = node.opType === 'Pad' ? zeroPads(graph, node) : undefined;
      const [output = ''] = node.outputs;
      const readers = index.consumers(output);
      if (pads === undefined || index.isOutput(output) || !readers.every((reader) => takesPads(reader, output)))
        continue;
      const [, , top = 0, left = 0, , , bottom = 0, right = 0] = pads;
      for (const reader of readers) {
        const [t = 0, l = 0, b = 0, r = 0] = intsAttribute(reader, 'pads', [0, 0, 0, 0]);
        const attributes = { ...reader.attributes, pads: ints([t + top, l + left, b + bottom, r + right]) };
        moved.set(reader, { ...reader, inputs: [node.inputs[0] ?? '', ...reader.inputs.slice(1)], attributes });
      }
    }
    return withGraph(model, withoutDeadNodes({ ...graph, nodes: graph.nodes.map((node) => moved.get(node) ?? node) }));
  },
});

function takesPads(reader: Node, value: string): boolean {
  const automatic = stringAttribute(reader, 'auto_pad', 'NOTSET');
  return reader.opType === 'Conv' && reader.inputs.indexOf(value) === 0 && automatic === 'NOTSET';
}

/** The eight pads of an image, when only height and width are padded, with zeros, and nothing is cut off. */
function zeroPads(graph: Graph, node: Node): number[] | undefined {
  if (stringAttribute(node, 'mode', 'constant') !== 'constant' || (node.inputs[3] ?? '') !== '') return undefined;
  const pads = constantOf(graph, node.inputs[1]);
  const value = constantOf(graph, node.inputs[2]);
  if (pads === undefined || ((node.inputs[2] ?? '') !== '' && value === undefined)) return undefined;
  if (value !== undefined && (value.dtype !== 'float32' || asFloat32(value)[0] !== 0)) return undefined;
  const amounts = asIntegers(pads);
  const inImage = amounts.length === 8 && [0, 1, 4, 5].every((i) => amounts[i] === 0);
  return inImage && amounts.every((amount) => amount >= 0) ? amounts : undefined;
}
