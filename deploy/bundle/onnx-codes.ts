import { fieldsOf, messageFields, packedVarints } from '../../inference/protobuf.ts';
import { type Packing, packedLength } from './packing.ts';

/** The packed codes of one layer in the bytes of a model. */
export interface CodeTensor {
  readonly name: string;
  /** A data file beside the model; absent where they lie in the model itself. */
  readonly location?: string;
  /** First byte in the file, and how many. */
  readonly at: number;
  readonly bytes: number;
  readonly packing: Packing;
  readonly shape: {
    readonly rows: number;
    readonly columns: number;
    readonly kernel: number;
    readonly kernelWidth: number;
  };
}

/** Field numbers of onnx.proto. */
const MODEL_GRAPH = 7;
const GRAPH = { node: 1, initializer: 5 } as const;
const NODE = { input: 1, output: 2, opType: 4 } as const;
const TENSOR = { dims: 1, dataType: 2, name: 8, rawData: 9, externalData: 13 } as const;
const ENTRY = { key: 1, value: 2 } as const;

/** Element types that hold codes, by their number in `TensorProto.DataType`. */
const CODE_TYPES: Readonly<Record<number, Pick<Packing, 'bits' | 'signed'>>> = {
  2: { bits: 8, signed: false },
  3: { bits: 8, signed: true },
  21: { bits: 4, signed: false },
  22: { bits: 4, signed: true },
  25: { bits: 2, signed: false },
  26: { bits: 2, signed: true },
};
/** Fewer are not worth their entry in the header. */
const FEWEST_BYTES = 256;

interface Tensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly type: number;
  readonly raw?: Uint8Array;
  readonly external: ReadonlyMap<string, string>;
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function readTensor(bytes: Uint8Array): Tensor {
  const dims: number[] = [];
  const external = new Map<string, string>();
  let [name, type] = ['', 0];
  let raw: Uint8Array | undefined;
  for (const field of messageFields(bytes)) {
    if ('value' in field) {
      if (field.number === TENSOR.dims) dims.push(field.value);
      if (field.number === TENSOR.dataType) type = field.value;
    } else if (field.number === TENSOR.dims) for (const dim of packedVarints(field.bytes)) dims.push(dim);
    else if (field.number === TENSOR.name) name = text(field.bytes);
    else if (field.number === TENSOR.rawData) raw = field.bytes;
    else if (field.number === TENSOR.externalData) {
      const [key] = fieldsOf(field.bytes, ENTRY.key);
      const [value] = fieldsOf(field.bytes, ENTRY.value);
      if (key !== undefined && value !== undefined) external.set(text(key), text(value));
    }
  }
  return { name, dims, type, ...(raw && { raw }), external };
}

interface Node {
  readonly inputs: readonly string[];
  readonly output: string;
  readonly opType: string;
}

function readNode(bytes: Uint8Array): Node {
  const [opType = new Uint8Array()] = fieldsOf(bytes, NODE.opType);
  const [output = new Uint8Array()] = fieldsOf(bytes, NODE.output);
  return { inputs: Array.from(fieldsOf(bytes, NODE.input), text), output: text(output), opType: text(opType) };
}

/** Rows are what is outermost, then columns; the rest is the kernel. */
function shapeOf(dims: readonly number[]): CodeTensor['shape'] {
  const [rows = 1, columns = 1, ...kernel] = dims.length < 2 ? [1, ...dims] : dims;
  return { rows, columns, kernel: kernel.reduce((product, n) => product * n, 1), kernelWidth: kernel.at(-1) ?? 1 };
}

/** Bit planes in uint8: `[1, n] >> [8 / width, 1]`, masked, then reshaped to the weights (codebooks of the exporter). */
function planesOf(
  tensor: Tensor,
  tensors: ReadonlyMap<string, Tensor>,
  readers: ReadonlyMap<string, Node>,
): Pick<CodeTensor, 'packing' | 'shape'> | undefined {
  const shift = readers.get(tensor.name);
  const parts = shift?.opType === 'BitShift' ? tensors.get(shift.inputs[1] ?? '')?.dims : undefined;
  const mask = readers.get(shift?.output ?? '');
  const reshape = readers.get(mask?.output ?? '');
  const dims = tensors.get(reshape?.inputs[1] ?? '')?.raw;
  if (tensor.type !== 2 || reshape?.opType !== 'Reshape' || dims === undefined || parts?.length !== 2) return undefined;
  const bits = 8 / parts[0]!;
  if (bits !== 1 && bits !== 2 && bits !== 4) return undefined;
  const view = new DataView(dims.buffer, dims.byteOffset, dims.byteLength - (dims.byteLength % 8));
  const shape = shapeOf(Array.from({ length: view.byteLength / 8 }, (_, i) => Number(view.getBigInt64(i * 8, true))));
  return { packing: { bits, order: 'planes', signed: false }, shape };
}

/** Where the bytes of a tensor are, in the model or beside it. */
function whereIs(
  { raw, external }: Tensor,
  model: Uint8Array,
): Pick<CodeTensor, 'at' | 'bytes' | 'location'> | undefined {
  if (raw !== undefined) return { at: raw.byteOffset - model.byteOffset, bytes: raw.length };
  const location = external.get('location');
  const [at, bytes] = [Number(external.get('offset') ?? 0), Number(external.get('length') ?? Number.NaN)];
  return location === undefined || !Number.isSafeInteger(at) || !Number.isSafeInteger(bytes)
    ? undefined
    : { at, bytes, location };
}

/**
 * The weights of a model that are stored as codes, in the order of the file. What cannot be told for certain is left out:
 * it then travels with the rest.
 *
 * @throws {ProtobufError} where the bytes are no protobuf message
 */
export function codesIn(model: Uint8Array): CodeTensor[] {
  const tensors = new Map<string, Tensor>();
  const readers = new Map<string, Node>();
  for (const graph of fieldsOf(model, MODEL_GRAPH)) {
    for (const each of fieldsOf(graph, GRAPH.initializer)) {
      const tensor = readTensor(each);
      tensors.set(tensor.name, tensor);
    }
    for (const each of fieldsOf(graph, GRAPH.node)) {
      const node = readNode(each);
      for (const input of node.inputs) readers.set(input, node);
    }
  }
  const found: CodeTensor[] = [];
  for (const tensor of tensors.values()) {
    const type = CODE_TYPES[tensor.type];
    const place = whereIs(tensor, model);
    if (type === undefined || place === undefined || place.bytes < FEWEST_BYTES) continue;
    const { packing, shape } = planesOf(tensor, tensors, readers) ?? {
      packing: { ...type, order: 'consecutive' as const },
      shape: shapeOf(tensor.dims),
    };
    const count = shape.rows * shape.columns * shape.kernel;
    if (packedLength(count, packing) === place.bytes) found.push({ name: tensor.name, ...place, packing, shape });
  }
  return found;
}
