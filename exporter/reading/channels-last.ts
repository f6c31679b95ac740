import { intsAttribute } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import { withConstantsStored } from '../../onnx/constants.ts';
import type { Graph, Node } from '../../onnx/graph.ts';
import { elementCount, type Tensor } from '../../onnx/tensor.ts';
import { indexGraph } from '../../onnx/topology.ts';
import { readsInside } from '../passes/rewrite.ts';

const TO_PLANES = [0, 3, 1, 2];

/** How a model normalises an image whose channels come last before it turns it to planes. */
interface Turn {
  /** What is done to each value, in order: the same for planes once the constants are turned. */
  readonly steps: readonly Node[];
  /** Transposes to planes that end it. */
  readonly transposes: readonly Node[];
}

const ARITHMETIC = new Set(['Add', 'Sub', 'Mul', 'Div']);

/**
 * The graph with its image in planes from the start: what it does to each value by a number, or by one number a channel, it does to
 * planes as well, and the Transpose after that goes. Undefined where anything else comes before the Transpose.
 *
 * @param input name of the image, `[N, H, W, channels]` before and `[N, channels, H, W]` after
 */
export function turnedEarlier(
  graph: Graph,
  input: string,
  channels: number,
): Pick<Graph, 'nodes' | 'initializers'> | undefined {
  const { initializers: constants } = withConstantsStored(graph);
  const turn = turnOf(graph, input, channels, constants);
  if (turn === undefined) return undefined;
  const builder = GraphBuilder.over(graph);
  const last = turn.steps.at(-1)?.outputs[0] ?? input;
  const planes = new Map(turn.transposes.flatMap(({ outputs }) => outputs.map((output) => [output, last] as const)));
  const nodes = graph.nodes.flatMap((node): Node[] => {
    if (turn.transposes.includes(node)) return [];
    if (!turn.steps.includes(node))
      return [{ ...node, inputs: node.inputs.map((value) => planes.get(value) ?? value) }];
    const inputs = node.inputs.map((value) => {
      const constant = constants.get(value);
      if (constant === undefined || elementCount(constant.dims) === 1) return value;
      return builder.constant(`${value}_planes`, { ...constant, dims: [channels, 1, 1] });
    });
    return [{ ...node, inputs }];
  });
  return { nodes, initializers: builder.initializers };
}

function turnOf(
  graph: Graph,
  input: string,
  channels: number,
  constants: ReadonlyMap<string, Tensor>,
): Turn | undefined {
  const index = indexGraph(graph);
  const steps: Node[] = [];
  const inside = readsInside(graph);
  for (let value = input; ; ) {
    const readers = index.consumers(value);
    if (index.isOutput(value) || readers.length === 0) return undefined;
    if (readers.every((node) => isTranspose(node, value))) {
      // Callers and subgraphs know values by their names.
      const known = readers.some(({ outputs }) => outputs.some((each) => index.isOutput(each) || inside.has(each)));
      return known ? undefined : { steps, transposes: readers };
    }
    const [step, ...others] = readers;
    if (step === undefined || others.length > 0 || !isByChannel(step, value, channels, constants)) return undefined;
    steps.push(step);
    value = step.outputs[0] ?? '';
  }
}

function isByChannel(
  { domain, opType, inputs }: Node,
  value: string,
  channels: number,
  constants: ReadonlyMap<string, Tensor>,
): boolean {
  if (domain !== '' || inputs.filter((each) => each === value).length !== 1) return false;
  if (opType === 'Cast') return true;
  if (!ARITHMETIC.has(opType)) return false;
  const dims = constants.get(inputs.find((each) => each !== value) ?? '')?.dims;
  if (dims === undefined || dims.length > 4) return false;
  const count = elementCount(dims);
  return count === 1 || (count === channels && dims.at(-1) === channels);
}

export const isTranspose = (node: Node, input: string): boolean =>
  node.opType === 'Transpose' &&
  node.domain === '' &&
  node.inputs[0] === input &&
  `${intsAttribute(node, 'perm', undefined)}` === `${TO_PLANES}`;
