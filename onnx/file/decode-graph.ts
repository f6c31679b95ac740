import type { onnx } from 'onnx-proto';
import { WaysideError } from '../../core/errors.ts';
import type { Attribute, Attributes, Dimension, Graph, Node, ValueInfo, ValueType } from '../graph.ts';
import { NameGiver } from '../names.ts';
import type { Tensor } from '../tensor.ts';
import { joined, type Scope, topologicalOrder, valuesGiven } from '../topology.ts';
import { decodeDataType, decodeTensor } from './decode-tensor.ts';
import type { ExternalDataReader } from './external-data.ts';
import { MAX_RANK } from './limits.ts';
import { ATTRIBUTE_TYPES, fromInt64 } from './proto.ts';

/**
 * A GraphProto as a graph: unnamed and doubly named nodes get names of their own, inputs that only repeat an initializer
 * (IR 3 demanded them) are left out, nodes are brought into topological order.
 *
 * @param around values a subgraph may read from the graphs around it
 * @throws {WaysideError} MODEL_INVALID, MODEL_UNSUPPORTED, MODEL_TOO_LARGE, EXTERNAL_DATA
 */
export function decodeGraph(
  source: onnx.IGraphProto,
  external: ExternalDataReader,
  around: Scope = new Set(),
  nested = false,
): Graph {
  if (source.sparseInitializer?.length) throw unsupported(`graph ${source.name ?? ''} has sparse initializers`);
  const initializers = new Map<string, Tensor>();
  for (const tensor of source.initializer ?? []) {
    const name = tensor.name ?? '';
    if (name === '' || initializers.has(name)) throw invalid(`two initializers are named ${JSON.stringify(name)}`);
    initializers.set(name, decodeTensor(tensor, name, external));
  }
  const inputs = (source.input ?? [])
    .filter(({ name }) => !initializers.has(name ?? ''))
    .map((input) => decodeValueInfo(input, nested));
  const outputs = (source.output ?? []).map((output) => decodeValueInfo(output, nested));
  const valueInfo = new Map<string, ValueType>();
  for (const info of source.valueInfo ?? []) {
    if (!info.type?.tensorType?.elemType) continue; // sequences and half-declared values: inference finds out
    const { name, ...type } = decodeValueInfo(info, nested);
    valueInfo.set(name, type);
  }
  const own = new Set([...initializers.keys(), ...inputs.map(({ name }) => name)]);
  for (const node of source.node ?? []) for (const output of node.output ?? []) own.add(output);
  const inside = joined(own, around);
  const names = new NameGiver((source.node ?? []).map(({ name }) => name ?? ''));
  const seen = new Set<string>();
  const nodes = (source.node ?? []).map((node): Node => {
    const name = node.name ?? '';
    const unique = name !== '' && !seen.has(name) ? name : names.give(name === '' ? (node.opType ?? '') : name);
    seen.add(unique);
    return decodeNode(node, unique, external, inside);
  });
  const graph = { name: source.name ?? '', inputs, outputs, initializers, nodes, valueInfo };
  return { ...graph, nodes: topologicalOrder(nodes, joined(valuesGiven(graph), around)) };
}

function decodeNode(source: onnx.INodeProto, name: string, external: ExternalDataReader, inside: Scope): Node {
  const opType = source.opType ?? '';
  if (opType === '') throw invalid(`node ${name} has no operator`);
  const attributes = new Map<string, Attribute>();
  for (const attribute of source.attribute ?? []) {
    const key = attribute.name ?? '';
    if (key === '' || attributes.has(key))
      throw invalid(`node ${name} has two attributes named ${JSON.stringify(key)}`);
    attributes.set(key, decodeAttribute(attribute, `attribute ${key} of node ${name}`, external, inside));
  }
  return {
    name,
    opType,
    domain: decodeDomain(source.domain),
    inputs: source.input ?? [],
    outputs: source.output ?? [],
    attributes: Object.fromEntries(attributes) satisfies Attributes,
  };
}

/** `ai.onnx` is the spelled-out name of the default domain. */
export const decodeDomain = (domain: string | null | undefined): string => (domain === 'ai.onnx' ? '' : (domain ?? ''));

function decodeAttribute(
  source: onnx.IAttributeProto,
  of: string,
  external: ExternalDataReader,
  inside: Scope,
): Attribute {
  if (source.refAttrName) throw unsupported(`${of} refers to an attribute of a function`);
  const integer = (value: unknown): number => {
    const number = fromInt64(value);
    if (number === undefined) throw unsupported(`${of} holds an integer beyond 2^53`);
    return number;
  };
  const text = (value: Uint8Array): string => {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value);
    } catch (cause) {
      throw new WaysideError('MODEL_UNSUPPORTED', { message: `${of} is not UTF-8`, cause });
    }
  };
  switch (source.type ?? 0) {
    case ATTRIBUTE_TYPES.float:
      return { type: 'float', value: source.f ?? 0 };
    case ATTRIBUTE_TYPES.int:
      return { type: 'int', value: integer(source.i ?? 0) };
    case ATTRIBUTE_TYPES.string:
      return { type: 'string', value: text(source.s ?? new Uint8Array()) };
    case ATTRIBUTE_TYPES.tensor:
      if (!source.t) throw invalid(`${of} has no tensor`);
      return { type: 'tensor', value: decodeTensor(source.t, of, external) };
    case ATTRIBUTE_TYPES.graph:
      if (!source.g) throw invalid(`${of} has no graph`);
      return { type: 'graph', value: decodeGraph(source.g, external, inside, true) };
    case ATTRIBUTE_TYPES.floats:
      return { type: 'floats', value: source.floats ?? [] };
    case ATTRIBUTE_TYPES.ints:
      return { type: 'ints', value: (source.ints ?? []).map(integer) };
    case ATTRIBUTE_TYPES.strings:
      return { type: 'strings', value: (source.strings ?? []).map(text) };
    case 0:
      throw invalid(`${of} has no type`);
    default:
      return { type: 'other', value: source };
  }
}

/** @param nested in a subgraph, which need not say what it takes and gives (onnx IR.md) */
function decodeValueInfo(source: onnx.IValueInfoProto, nested: boolean): ValueInfo {
  const name = source.name ?? '';
  const of = `value ${JSON.stringify(name)}`;
  const { type } = source;
  if (type?.sequenceType || type?.mapType || type?.optionalType || type?.sparseTensorType) {
    return { name, dtype: 'undefined', shape: null, other: type };
  }
  const tensor = type?.tensorType;
  if (nested && !tensor?.elemType) return { name, dtype: 'undefined', shape: null };
  if (!tensor) throw invalid(`${of} has no type`);
  const dims = tensor.shape?.dim;
  if (dims && dims.length > MAX_RANK) throw invalid(`${of} has ${dims.length} dimensions`);
  const shape = tensor.shape ? (dims ?? []).map(decodeDimension) : null;
  return { name, dtype: decodeDataType(tensor.elemType ?? 0, of), shape };
}

/** A negative size is how some exporters spell "unknown"; ONNX Runtime reads it so too. */
function decodeDimension(source: onnx.TensorShapeProto.IDimension): Dimension {
  if (source.dimParam) return source.dimParam;
  if (source.dimValue === null || source.dimValue === undefined || !Object.hasOwn(source, 'dimValue')) return null;
  const value = fromInt64(source.dimValue);
  return value !== undefined && value >= 0 && Number.isSafeInteger(value) ? value : null;
}

const invalid = (message: string): WaysideError => new WaysideError('MODEL_INVALID', { message });
const unsupported = (message: string): WaysideError => new WaysideError('MODEL_UNSUPPORTED', { message });
