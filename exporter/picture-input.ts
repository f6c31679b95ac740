import { intAttribute, ints, intsAttribute } from '../onnx/attributes.ts';
import type { Graph, Model, Node, ValueInfo } from '../onnx/graph.ts';
import { valuesRead } from '../onnx/topology.ts';
import { DATA_TYPES } from '../onnx/types.ts';
import { rewired, valueNames, withGraph } from './passes/rewrite.ts';

/** A model that takes pictures as Wayside feeds them: float32 `[N, 3, H, W]`. */
export interface PictureModel {
  readonly model: Model;
  /** Whether its input is not that of the file. */
  readonly changed: boolean;
  /** It wants the bytes of a picture, 0 to 255, and normalises them itself. */
  readonly wantsBytes: boolean;
}

const TO_PLANES = [0, 3, 1, 2];
const TO_CHANNELS_LAST = [0, 2, 3, 1];

/**
 * Gives a model that takes its picture channels last, as from TensorFlow, or as uint8, another input of the same meaning.
 *
 * Leaves alone what it does not understand: the session then says what is wrong with the input.
 */
export function asPictureInput(model: Model): PictureModel {
  const planes = withPlanes(model);
  const floats = withFloats(planes);
  return { model: floats, changed: floats !== model, wantsBytes: floats !== planes };
}

/** The only input, unless a subgraph reads it under its name. */
function pictureOf({ inputs, nodes }: Graph): ValueInfo | undefined {
  const [input, ...others] = inputs;
  if (input === undefined || others.length > 0) return undefined;
  const inside = nodes.some((node) => !node.inputs.includes(input.name) && [...valuesRead(node)].includes(input.name));
  return inside ? undefined : input;
}

/** `[N, H, W, 3]` becomes `[N, 3, H, W]`: a Transpose to planes is skipped, other readers get one back. */
function withPlanes(model: Model): Model {
  const { graph } = model;
  const input = pictureOf(graph);
  const [batch = null, height = null, width = null, channels] = input?.shape ?? [];
  if (input?.shape?.length !== 4 || channels !== 3 || height === 3) return model;
  const taken = valueNames(graph);
  let last = `${input.name}_channels_last`;
  while (taken.has(last)) last += '_';
  const skipped = graph.nodes.filter((node) => isTranspose(node, input.name, TO_PLANES));
  const names = new Map([
    [input.name, last],
    ...skipped.flatMap(({ outputs }) => outputs.map((output) => [output, input.name] as const)),
  ]);
  const back: Node = {
    name: last,
    opType: 'Transpose',
    domain: '',
    inputs: [input.name],
    outputs: [last],
    attributes: { perm: ints(TO_CHANNELS_LAST) },
  };
  const others = graph.nodes.filter((node) => !skipped.includes(node));
  if (graph.outputs.some(({ name }) => names.has(name))) return model;
  const nodes = others.map((node) => rewired(node, names));
  const needed = nodes.some((node) => node.inputs.includes(last));
  return withGraph(model, {
    inputs: [{ ...input, shape: [batch, channels, height, width] }],
    nodes: needed ? [back, ...nodes] : nodes,
  });
}

/** uint8 that is cast to float32 first of all becomes float32. */
function withFloats(model: Model): Model {
  const { graph } = model;
  const input = pictureOf(graph);
  if (input?.dtype !== 'uint8') return model;
  const readers = graph.nodes.filter((node) => node.inputs.includes(input.name));
  if (!readers.every(isCastToFloat)) return model;
  const names = new Map(readers.flatMap(({ outputs }) => outputs.map((output) => [output, input.name] as const)));
  if (graph.outputs.some(({ name }) => names.has(name))) return model;
  const nodes = graph.nodes.filter((node) => !readers.includes(node)).map((node) => rewired(node, names));
  return withGraph(model, { inputs: [{ ...input, dtype: 'float32' }], nodes });
}

const isCastToFloat = (node: Node): boolean =>
  node.opType === 'Cast' && node.domain === '' && intAttribute(node, 'to', 0) === DATA_TYPES.float32;

const isTranspose = (node: Node, input: string, order: readonly number[]): boolean =>
  node.opType === 'Transpose' &&
  node.domain === '' &&
  node.inputs[0] === input &&
  `${intsAttribute(node, 'perm', undefined)}` === `${order}`;
