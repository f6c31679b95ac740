import { WaysideError } from '../../core/errors.ts';
import type { Model, Node } from '../../onnx/graph.ts';
import { inferShapes } from '../../onnx/shapes.ts';
import { type GraphIndex, indexGraph } from '../../onnx/topology.ts';

/** Operators that answer with a choice, not with how sure it is, whatever type it is cast to afterwards. */
const DECIDING = new Set([
  'ArgMax',
  'ArgMin',
  'NonMaxSuppression',
  'NonZero',
  'Greater',
  'GreaterOrEqual',
  'Less',
  'LessOrEqual',
  'Equal',
  'Not',
  'Sign',
  'Hardmax',
]);

/** What hands its first input's values on in another shape or type. */
const HANDING_ON = new Set(['Cast', 'Identity', 'Squeeze', 'Unsqueeze', 'Reshape', 'Flatten', 'Transpose']);

/** What an output is that is no score; undefined for float32 that no deciding operator made. */
function otherThanScores(model: Model, index: GraphIndex, output: string): string | undefined {
  const decider = deciderOf(index, output);
  if (decider !== undefined)
    return `made by ${decider.opType} ${decider.name}: the class that was chosen, not its score`;
  const declared = model.graph.outputs.find(({ name }) => name === output)?.dtype;
  const dtype = declared ?? inferShapes(model).get(output)?.dtype;
  const maker = index.producer(output);
  return dtype === undefined || dtype === 'float32'
    ? undefined
    : `${dtype}${maker === undefined ? '' : `, made by ${maker.opType} ${maker.name}`}`;
}

function deciderOf(index: GraphIndex, output: string): Node | undefined {
  let value = output;
  for (;;) {
    const node = index.producer(value);
    if (node === undefined || node.domain !== '') return undefined;
    if (DECIDING.has(node.opType) || (node.opType === 'TopK' && node.outputs[1] === value)) return node;
    if (!HANDING_ON.has(node.opType)) return undefined;
    value = node.inputs[0] ?? '';
  }
}

/**
 * Refuses a model whose scores are none: nothing that is compared with a float model's can be made of them.
 *
 * @param output where scores are looked for; any output will do without it
 * @throws {WaysideError} MODEL_UNSUPPORTED
 */
export function requireScores(model: Model, output?: string): void {
  const index = indexGraph(model.graph);
  const names = model.graph.outputs.map(({ name }) => name);
  const asked = output === undefined ? names : [output];
  const found = asked.map((name) => [name, otherThanScores(model, index, name)] as const);
  const [first] = found;
  if (first === undefined || found.some(([, why]) => why === undefined)) return;
  const scores = names.filter((name) => otherThanScores(model, index, name) === undefined);
  throw new WaysideError('MODEL_UNSUPPORTED', {
    message: `output ${first[0]} is no score: it is ${first[1]}`,
    hint:
      scores.length === 0
        ? 'export the model with its scores as output, one a class, before anything chooses among them'
        : `choose another output with --output: ${scores.join(' or ')}; or export the model with its scores alone`,
  });
}
