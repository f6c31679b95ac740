import { intAttribute, ints } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import type { Graph, Model, Node, ValueInfo } from '../../onnx/graph.ts';
import { valuesCapturedBy } from '../../onnx/topology.ts';
import { DATA_TYPES } from '../../onnx/types.ts';
import { readsInside, rewired, withGraph } from '../passes/rewrite.ts';
import { isTranspose, turnedEarlier } from './channels-last.ts';

/** A model that takes images as Wayside feeds them: float32 `[N, 3, H, W]`. */
interface ImageModel {
  readonly model: Model;
  /** Whether its input is not that of the file. */
  readonly changed: boolean;
  /** It wants the bytes of an image, 0 to 255, and normalises them itself. */
  readonly wantsBytes: boolean;
}

const TO_CHANNELS_LAST = [0, 2, 3, 1];

/**
 * Gives a model that takes its image channels last, as from TensorFlow, or as uint8, another input of the same meaning.
 *
 * Leaves alone what it does not understand: the session then says what is wrong with the input.
 */
export function asImageInput(model: Model): ImageModel {
  // The Cast may come before the Transpose or after it.
  const first = withFloats(model);
  const planes = withPlanes(first);
  const last = withFloats(planes);
  return { model: last, changed: last !== model, wantsBytes: first !== model || last !== planes };
}

/** The only input, unless a subgraph reads it under its name. */
function imageOf({ inputs, nodes }: Graph): ValueInfo | undefined {
  const [input, ...others] = inputs;
  if (input === undefined || others.length > 0) return undefined;
  return nodes.some((node) => valuesCapturedBy(node).has(input.name)) ? undefined : input;
}

/** `[N, H, W, 3]` becomes `[N, 3, H, W]`: a Transpose to planes is skipped, other readers get one back. */
function withPlanes(model: Model): Model {
  const { graph } = model;
  const input = imageOf(graph);
  const [batch = null, height = null, width = null, channels] = input?.shape ?? [];
  if (input?.shape?.length !== 4 || channels !== 3 || height === 3) return model;
  const inputs = [{ ...input, shape: [batch, channels, height, width] }];
  const turned = turnedEarlier(graph, input.name, channels);
  if (turned !== undefined) return withGraph(model, { ...turned, inputs, valueInfo: new Map() });
  const builder = GraphBuilder.over(graph);
  const last = builder.value(`${input.name}_channels_last`);
  const skipped = graph.nodes.filter((node) => isTranspose(node, input.name));
  const names = new Map([
    [input.name, last],
    ...skipped.flatMap(({ outputs }) => outputs.map((output) => [output, input.name] as const)),
  ]);
  const back = builder.made('Transpose', [input.name], last, { perm: ints(TO_CHANNELS_LAST) });
  const others = graph.nodes.filter((node) => !skipped.includes(node));
  if (namesStay(graph, names)) return model;
  const nodes = others.map((node) => rewired(node, names));
  const needed = nodes.some((node) => node.inputs.includes(last));
  return withGraph(model, {
    inputs,
    nodes: needed ? [back, ...nodes] : nodes,
  });
}

/** uint8 that is cast to float32 first of all becomes float32. */
function withFloats(model: Model): Model {
  const { graph } = model;
  const input = imageOf(graph);
  if (input?.dtype !== 'uint8') return model;
  const readers = graph.nodes.filter((node) => node.inputs.includes(input.name));
  const casts = readers.filter(isCastToFloat);
  if (casts.length === 0 || !readers.every((node) => isCastToFloat(node) || asksOnlySize(node))) return model;
  const names = new Map(casts.flatMap(({ outputs }) => outputs.map((output) => [output, input.name] as const)));
  if (namesStay(graph, names)) return model;
  const nodes = graph.nodes.filter((node) => !casts.includes(node)).map((node) => rewired(node, names));
  return withGraph(model, { inputs: [{ ...input, dtype: 'float32' }], nodes });
}

/** Whether a caller or a subgraph knows one of the values by its name. */
function namesStay(graph: Graph, names: ReadonlyMap<string, string>): boolean {
  const inside = readsInside(graph);
  return graph.outputs.some(({ name }) => names.has(name)) || [...names.keys()].some((name) => inside.has(name));
}

const asksOnlySize = ({ domain, opType }: Node): boolean => domain === '' && (opType === 'Shape' || opType === 'Size');

const isCastToFloat = (node: Node): boolean =>
  node.opType === 'Cast' && node.domain === '' && intAttribute(node, 'to', 0) === DATA_TYPES.float32;
