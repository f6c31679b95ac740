import { ModelFileError, type StoredGraph, type StoredNode, type StoredTensor } from './tensors.ts';

/** Whole numbers that can be worked out from the file alone, row-major. */
interface Known {
  readonly dims: readonly number[];
  readonly values: ArrayLike<number>;
}

/** Bits of each element type that indices come in, and how it is read (`TensorProto.DataType`). */
const READERS: Readonly<Record<number, (raw: Uint8Array) => ArrayLike<number>>> = {
  2: (raw) => raw,
  3: (raw) => new Int8Array(raw.buffer, raw.byteOffset, raw.length),
  4: (raw) => viewed(raw, 2, (view, at) => view.getUint16(at, true)),
  5: (raw) => viewed(raw, 2, (view, at) => view.getInt16(at, true)),
  6: (raw) => viewed(raw, 4, (view, at) => view.getInt32(at, true)),
  7: (raw) => viewed(raw, 8, (view, at) => Number(view.getBigInt64(at, true))),
  12: (raw) => viewed(raw, 4, (view, at) => view.getUint32(at, true)),
  13: (raw) => viewed(raw, 8, (view, at) => Number(view.getBigUint64(at, true))),
  21: (raw) => parts(raw, 4),
  25: (raw) => parts(raw, 2),
};

function viewed(raw: Uint8Array, width: number, read: (view: DataView, at: number) => number): ArrayLike<number> {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.length);
  return Float64Array.from({ length: Math.floor(raw.length / width) }, (_, i) => read(view, i * width));
}

/** Elements of less than a byte, low bits first. */
function parts(raw: Uint8Array, bits: number): Uint8Array {
  const each = 8 / bits;
  const values = new Uint8Array(raw.length * each);
  for (let i = 0; i < values.length; i++)
    values[i] = (raw[Math.floor(i / each)]! >> ((i % each) * bits)) & (2 ** bits - 1);
  return values;
}

export const elementsOf = (dims: readonly number[]): number => dims.reduce((product, n) => product * n, 1);

/** The values of a stored tensor of whole numbers; undefined where they are not in the file or of another type. */
export function wholeNumbers({ dims, type, raw }: StoredTensor): Known | undefined {
  const read = READERS[type];
  if (read === undefined || raw === undefined) return undefined;
  const values = read(raw);
  const count = elementsOf(dims);
  // The last byte of parts may be half empty.
  return values.length < count ? undefined : { dims, values: values.length === count ? values : sliced(values, count) };
}

const sliced = (values: ArrayLike<number>, count: number): ArrayLike<number> =>
  ArrayBuffer.isView(values) ? (values as Uint8Array).subarray(0, count) : Array.from(values).slice(0, count);

type Operation = (a: number, b: number) => number;

/** The operators that unpack indices (codebooks of the exporter). Stored in bytes: a shift to the left drops what leaves them. */
function operationOf(node: StoredNode): Operation | undefined {
  if (node.opType === 'BitwiseAnd') return (a, b) => a & b;
  if (node.opType === 'BitwiseOr') return (a, b) => a | b;
  if (node.opType === 'BitShift')
    return node.attributes.get('direction') === 'LEFT' ? (a, b) => (a << b) & 0xff : (a, b) => a >> b;
  return undefined;
}

/**
 * Elements that may be worked out for each byte of the file: packed indices take up to 16 (one bit each, shifted and masked). A
 * file that asks for more is a bomb.
 */
const MOST_ELEMENTS_A_BYTE = 64;
/** Of unpacking six bits: two planes of four steps each, and joining them. */
const MOST_STEPS = 16;

/** Works out indices from what is stored, as far back as they are stored. */
class Indices {
  readonly #stored: ReadonlyMap<string, StoredTensor>;
  readonly #makers: ReadonlyMap<string, StoredNode>;
  #left: number;
  #made = new Map<string, Known | undefined>();

  constructor(stored: ReadonlyMap<string, StoredTensor>, makers: ReadonlyMap<string, StoredNode>, fileBytes: number) {
    this.#stored = stored;
    this.#makers = makers;
    this.#left = MOST_ELEMENTS_A_BYTE * fileBytes;
  }

  /** @throws {ModelFileError} where this unfolds to far more than the file */
  of(name: string): Known | undefined {
    this.#made = new Map();
    const found = this.#value(name, MOST_STEPS);
    this.#made.clear();
    return found;
  }

  #value(name: string, steps: number): Known | undefined {
    if (this.#made.has(name)) return this.#made.get(name);
    this.#made.set(name, undefined); // a file may lead in a circle
    const stored = this.#stored.get(name);
    const maker = this.#makers.get(name);
    let value: Known | undefined;
    if (stored !== undefined) value = this.#read(stored);
    else if (maker !== undefined && steps > 0) value = this.#compute(maker, steps - 1);
    this.#made.set(name, value);
    return value;
  }

  #read(tensor: StoredTensor): Known | undefined {
    if (tensor.raw !== undefined) this.#spend(tensor.raw.length * 4);
    return wholeNumbers(tensor);
  }

  #spend(elements: number): void {
    this.#left -= elements;
    if (this.#left < 0) throw new ModelFileError('its indices unfold to far more than the file');
  }

  #compute(node: StoredNode, steps: number): Known | undefined {
    const { opType, inputs } = node;
    const [first = '', second = ''] = inputs;
    const constant = node.tensors.get('value');
    if (opType === 'Constant') return constant === undefined ? undefined : this.#read(constant);
    if (opType === 'Cast' || opType === 'Identity') return this.#value(first, steps);
    const operation = operationOf(node);
    if (operation === undefined && opType !== 'Reshape') return undefined;
    const [a, b] = [this.#value(first, steps), this.#value(second, steps)];
    if (a === undefined || b === undefined) return undefined;
    return operation === undefined ? { dims: Array.from(b.values), values: a.values } : this.#combined(a, b, operation);
  }

  /** Of equal sizes, with one number, or a row by a column: what unpacking needs of broadcasting. */
  #combined(a: Known, b: Known, operation: Operation): Known | undefined {
    const [n, m] = [a.values.length, b.values.length];
    const give = (length: number, dims: readonly number[], at: (i: number) => number): Known => {
      this.#spend(length);
      return { dims, values: Uint8Array.from({ length }, (_, i) => at(i)) };
    };
    if (m === 1) return give(n, a.dims, (i) => operation(a.values[i]!, b.values[0]!));
    if (n === m && a.dims.join() === b.dims.join())
      return give(n, a.dims, (i) => operation(a.values[i]!, b.values[i]!));
    const isRowByColumn = a.dims.length === 2 && a.dims[0] === 1 && b.dims.length === 2 && b.dims[1] === 1;
    if (!isRowByColumn) return undefined;
    return give(n * m, [m, n], (i) => operation(a.values[i % n]!, b.values[Math.floor(i / n)]!));
  }
}

function outside({ values }: Known, size: number): number | undefined {
  for (let i = 0; i < values.length; i++) {
    const index = values[i]!;
    if (index >= size || index < -size) return index;
  }
  return undefined;
}

/** An attribute is a signed number of 64 bits; of a negative one a JavaScript number keeps no more than that. */
const isNegative = (value: number): boolean => value >= 2 ** 63;

/**
 * The first Gather or GatherElements of a graph whose stored indices lie outside of what it reads, in words. Indices that are
 * computed from an input are for the runtime to check.
 *
 * @throws {ModelFileError}
 */
export function indexFault(graph: StoredGraph, fileBytes: number): string | undefined {
  const stored = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node])));
  const indices = new Indices(stored, makers, fileBytes);
  const done = new Set<string>();
  for (const { opType, inputs, attributes } of graph.nodes) {
    if (opType !== 'Gather' && opType !== 'GatherElements') continue;
    const [data = '', at = ''] = inputs;
    const dims = stored.get(data)?.dims ?? makers.get(data)?.tensors.get('value')?.dims;
    const axis = attributes.get('axis') ?? 0;
    const size = typeof axis !== 'number' || isNegative(axis) ? undefined : dims?.[axis];
    if (size === undefined || done.has(`${size} ${at}`)) continue;
    done.add(`${size} ${at}`);
    const found = indices.of(at);
    const index = found === undefined ? undefined : outside(found, size);
    if (index !== undefined) return `${opType} reads entry ${index} of ${size} in ${JSON.stringify(data)}`;
  }
  return undefined;
}
