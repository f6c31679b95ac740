import type { Node } from '../../onnx/graph.ts';
import type { GraphIndex } from '../../onnx/topology.ts';

/** Of one value each, whatever the shape. */
const ACTIVATIONS = new Set([
  'Relu',
  'Clip',
  'LeakyRelu',
  'Sigmoid',
  'HardSigmoid',
  'HardSwish',
  'Gelu',
  'Tanh',
  'Elu',
]);

/**
 * The activations right after a value, one after the other: a reshaping of the value may as well come behind them, where it does not
 * stand between a layer and the Relu that its QuantizeLinear absorbs.
 */
export function activationsAfter(index: GraphIndex, value: string): readonly Node[] {
  const found: Node[] = [];
  for (let last = value; ; ) {
    const [reader, ...others] = index.consumers(last);
    if (reader === undefined || others.length > 0 || index.isOutput(last)) return found;
    if (reader.domain !== '' || !ACTIVATIONS.has(reader.opType) || reader.inputs[0] !== last) return found;
    found.push(reader);
    last = reader.outputs[0] ?? '';
  }
}

/**
 * A layer in another shape, its activations, and back: `made` gives a value of the other shape, which the activations take and
 * `restore` turns back under the name that the last of them had.
 */
export function behindActivations(
  activations: readonly Node[],
  output: string,
  value: (wanted: string) => string,
  { made, restore }: { readonly made: (output: string) => Node; readonly restore: (from: string, to: string) => Node },
): readonly Node[] {
  const last = activations.at(-1)?.outputs[0] ?? output;
  let from = value(`${output}_inner`);
  const nodes = [made(from)];
  for (const activation of activations) {
    const to = value(`${activation.outputs[0]}_inner`);
    nodes.push({ ...activation, inputs: [from, ...activation.inputs.slice(1)], outputs: [to] });
    from = to;
  }
  return [...nodes, restore(from, last)];
}
