import { inMemory, type RandomAccess } from '../../core/file-system.ts';
import { messageFields, packedVarints } from '../protobuf.ts';
import { Span } from './span.ts';

/** Numbers of the fields of onnx.proto that lead to tensors and to what reads them. */
const MODEL = { graph: 7, functions: 25 } as const;
const GRAPH = { node: 1, initializer: 5, sparseInitializer: 15 } as const;
const FUNCTION = { node: 7 } as const;
const NODE = { input: 1, output: 2, opType: 4, attribute: 5 } as const;
const ATTRIBUTE = {
  name: 1,
  int: 3,
  string: 4,
  tensor: 5,
  graph: 6,
  tensors: 10,
  graphs: 11,
  sparse: 22,
  sparses: 23,
} as const;
const SPARSE = { values: 1, indices: 2 } as const;
const TENSOR = { dims: 1, type: 2, name: 8, raw: 9, external: 13 } as const;
const ENTRY = { key: 1, value: 2 } as const;
/** `float_data`, `int32_data`, `string_data`, `int64_data`, `double_data`, `uint64_data`. */
const TYPED = [4, 5, 6, 7, 10, 11];

/** What an exporter nests is three deep; a parser that follows a hostile file down ends with its stack. */
const MOST_NESTED = 32;
/** Nodes, tensors and names, all together: the largest networks have some ten thousand, and each costs some hundred bytes here. */
const MOST_PARTS = 500_000;
/** Of a name, or a word in an attribute. */
const LONGEST_TEXT = 64 * 1024;
const MOST_DIMS = 64;

export interface StoredTensor {
  readonly name: string;
  readonly dims: readonly number[];
  /** Number in `TensorProto.DataType`. */
  readonly type: number;
  readonly raw: Span | undefined;
  /** Bytes in the fields that are typed, as encoded. */
  readonly typedBytes: number;
  /** Key and value of each entry; every one counts, since parsers differ on which of two they take. */
  readonly external: readonly (readonly [key: string, value: string])[];
}

export interface StoredNode {
  readonly opType: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, number | string>;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** Tensors and nodes of one graph or function, and of all that is nested in it. */
export interface StoredGraph {
  readonly initializers: readonly StoredTensor[];
  readonly nodes: readonly StoredNode[];
  readonly nested: readonly StoredGraph[];
  /** Tensors that have no name: attributes, and the parts of sparse ones. */
  readonly others: readonly StoredTensor[];
}

/** A file that no honest writer makes. */
export class ModelFileError extends Error {}

const decoder = new TextDecoder();

function text(bytes: Span): string {
  if (bytes.length > LONGEST_TEXT) throw new ModelFileError(`a name in it is longer than ${LONGEST_TEXT} bytes`);
  return decoder.decode(bytes.bytes());
}

/** What has been read of a file, so that no file makes the reader hold more than some megabytes. */
class Parts {
  #count = 0;

  take(): void {
    if (++this.#count > MOST_PARTS) throw new ModelFileError(`it has more than ${MOST_PARTS} nodes, tensors and names`);
  }
}

function readTensor(bytes: Span, parts: Parts): StoredTensor {
  parts.take();
  const dims: number[] = [];
  const external: (readonly [string, string])[] = [];
  let [name, type, typedBytes] = ['', 0, 0];
  let raw: Span | undefined;
  for (const field of messageFields(bytes)) {
    if ('value' in field) {
      if (field.number === TENSOR.dims) dims.push(field.value);
      else if (field.number === TENSOR.type) type = field.value;
      else if (TYPED.includes(field.number)) typedBytes += 1;
    } else if (field.number === TENSOR.dims) {
      if (field.bytes.length > MOST_DIMS * 10) throw new ModelFileError('a tensor in it has an impossible shape');
      dims.push(...packedVarints(field.bytes));
    } else if (field.number === TENSOR.name) name = text(field.bytes);
    else if (field.number === TENSOR.raw) raw = field.bytes;
    else if (field.number === TENSOR.external) {
      parts.take();
      external.push(readEntry(field.bytes));
    } else if (TYPED.includes(field.number)) typedBytes += field.bytes.length;
  }
  if (dims.length > MOST_DIMS) throw new ModelFileError('a tensor in it has an impossible shape');
  return { name, dims, type, raw, typedBytes, external };
}

function readEntry(bytes: Span): readonly [string, string] {
  let [key, value] = ['', ''];
  for (const field of messageFields(bytes)) {
    if (!('bytes' in field)) continue;
    if (field.number === ENTRY.key) key = text(field.bytes);
    else if (field.number === ENTRY.value) value = text(field.bytes);
  }
  return [key, value];
}

class GraphReader {
  readonly initializers: StoredTensor[] = [];
  readonly nodes: StoredNode[] = [];
  readonly nested: StoredGraph[] = [];
  readonly others: StoredTensor[] = [];
  readonly #depth: number;
  readonly #parts: Parts;

  constructor(depth: number, parts: Parts) {
    if (depth > MOST_NESTED) throw new ModelFileError(`graphs are nested more than ${MOST_NESTED} deep`);
    this.#depth = depth;
    this.#parts = parts;
  }

  graph(bytes: Span): this {
    for (const field of messageFields(bytes)) {
      if (!('bytes' in field)) continue;
      if (field.number === GRAPH.node) this.node(field.bytes);
      else if (field.number === GRAPH.initializer) this.initializers.push(readTensor(field.bytes, this.#parts));
      else if (field.number === GRAPH.sparseInitializer) this.#sparse(field.bytes);
    }
    return this;
  }

  node(bytes: Span): void {
    this.#parts.take();
    const [inputs, outputs]: [string[], string[]] = [[], []];
    const attributes = new Map<string, number | string>();
    const tensors = new Map<string, StoredTensor>();
    let opType = '';
    for (const field of messageFields(bytes)) {
      if (!('bytes' in field)) continue;
      this.#parts.take();
      if (field.number === NODE.input) inputs.push(text(field.bytes));
      else if (field.number === NODE.output) outputs.push(text(field.bytes));
      else if (field.number === NODE.opType) opType = text(field.bytes);
      else if (field.number === NODE.attribute) this.#attribute(field.bytes, attributes, tensors);
    }
    this.nodes.push({ opType, inputs, outputs, attributes, tensors });
  }

  #attribute(bytes: Span, attributes: Map<string, number | string>, tensors: Map<string, StoredTensor>): void {
    let name = '';
    let plain: number | string | undefined;
    let tensor: StoredTensor | undefined;
    for (const field of messageFields(bytes)) {
      if ('value' in field) {
        if (field.number === ATTRIBUTE.int) plain = field.value;
      } else if (field.number === ATTRIBUTE.name) name = text(field.bytes);
      else if (field.number === ATTRIBUTE.string) plain = field.bytes.length > LONGEST_TEXT ? '' : text(field.bytes);
      else if (field.number === ATTRIBUTE.tensor || field.number === ATTRIBUTE.tensors) {
        tensor = readTensor(field.bytes, this.#parts);
        this.others.push(tensor);
      } else if (field.number === ATTRIBUTE.graph || field.number === ATTRIBUTE.graphs) {
        this.nested.push(new GraphReader(this.#depth + 1, this.#parts).graph(field.bytes));
      } else if (field.number === ATTRIBUTE.sparse || field.number === ATTRIBUTE.sparses) this.#sparse(field.bytes);
    }
    if (plain !== undefined) attributes.set(name, plain);
    if (tensor !== undefined) tensors.set(name, tensor);
  }

  #sparse(bytes: Span): void {
    for (const field of messageFields(bytes)) {
      if ('bytes' in field && (field.number === SPARSE.values || field.number === SPARSE.indices))
        this.others.push(readTensor(field.bytes, this.#parts));
    }
  }
}

/**
 * The graphs of a model file and its functions, as they are stored. Only names are copied: memory grows with the number of nodes and
 * tensors, not with what they hold or claim to hold.
 *
 * @throws {ProtobufError} where the bytes are no protobuf message
 * @throws {ModelFileError}
 */
export function graphsOf(model: Uint8Array | RandomAccess): readonly StoredGraph[] {
  const graphs: StoredGraph[] = [];
  const parts = new Parts();
  for (const field of messageFields(new Span(model instanceof Uint8Array ? inMemory(model) : model))) {
    if (!('bytes' in field)) continue;
    if (field.number === MODEL.graph) graphs.push(new GraphReader(0, parts).graph(field.bytes));
    else if (field.number === MODEL.functions) {
      const reader = new GraphReader(0, parts);
      for (const inner of messageFields(field.bytes))
        if ('bytes' in inner && inner.number === FUNCTION.node) reader.node(inner.bytes);
      graphs.push(reader);
    }
  }
  return graphs.flatMap(withNested);
}

const withNested = (graph: StoredGraph): readonly StoredGraph[] => [graph, ...graph.nested.flatMap(withNested)];

/** Every tensor that a graph itself holds. */
export const tensorsOf = ({ initializers, others }: StoredGraph): readonly StoredTensor[] => [
  ...initializers,
  ...others,
];
