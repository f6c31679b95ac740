import type { Span } from './span.ts';
import { ModelFileError, type StoredGraph, type StoredNode, type StoredTensor } from './tensors.ts';

/** Whole numbers that can be worked out from the file alone, row-major; each when it is asked for. */
interface Known {
  readonly dims: readonly number[];
  readonly length: number;
  readonly at: (index: number) => number;
  /** Steps that one of them takes. */
  readonly steps: number;
}

/** Bits of each element type that indices come in, and whether they have a sign (`TensorProto.DataType`). */
const TYPES: Readonly<Record<number, { readonly bits: number; readonly signed: boolean }>> = {
  2: { bits: 8, signed: false },
  3: { bits: 8, signed: true },
  4: { bits: 16, signed: false },
  5: { bits: 16, signed: true },
  6: { bits: 32, signed: true },
  7: { bits: 64, signed: true },
  12: { bits: 32, signed: false },
  13: { bits: 64, signed: false },
  21: { bits: 4, signed: false },
  25: { bits: 2, signed: false },
};

/** Little-endian, as raw data are (onnx.proto, `raw_data`). */
function numberAt(raw: Span, at: number, bytes: number, signed: boolean): number {
  if (bytes === 8) {
    let value = 0n;
    for (let i = 7; i >= 0; i--) value = (value << 8n) | BigInt(raw.at(at + i) ?? 0);
    return Number(signed ? BigInt.asIntN(64, value) : value);
  }
  let value = 0;
  for (let i = bytes - 1; i >= 0; i--) value = value * 256 + (raw.at(at + i) ?? 0);
  return signed && value >= 2 ** (8 * bytes - 1) ? value - 2 ** (8 * bytes) : value;
}

export const elementsOf = (dims: readonly number[]): number => dims.reduce((product, n) => product * n, 1);

/** Of all that are known: what a shape has room for; 0 where nothing is. */
export function productOf(known: Known | undefined): number {
  if (known === undefined) return 0;
  let product = 1;
  for (let i = 0; i < known.length && product !== 0; i++) product *= known.at(i);
  return product;
}

/** The values of a stored tensor of whole numbers; undefined where they are not in the file or of another type. */
export function wholeNumbers({ dims, type, raw: stored }: StoredTensor): Known | undefined {
  const { bits, signed } = TYPES[type] ?? {};
  if (bits === undefined || signed === undefined || stored === undefined) return undefined;
  const length = elementsOf(dims);
  // The last byte of parts may be half empty.
  if (Math.floor((stored.length * 8) / bits) < length) return undefined;
  const raw = stored.apart();
  const each = 8 / bits;
  const at =
    bits >= 8
      ? (i: number) => numberAt(raw, i / each, bits / 8, signed)
      : (i: number) => ((raw.at(Math.floor(i / each)) ?? 0) >> ((i % each) * bits)) & (2 ** bits - 1);
  return { dims, length, at, steps: 1 };
}

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
 * Steps that indices may take for each byte of the file: packed ones of one bit take 40 (eight elements, each read, shifted and
 * masked). A file that asks for more is a bomb.
 */
const MOST_STEPS_A_BYTE = 64;
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
    this.#left = MOST_STEPS_A_BYTE * fileBytes;
  }

  /** @throws {ModelFileError} where this unfolds to far more than the file */
  of(name: string): Known | undefined {
    this.#made = new Map();
    const found = this.#value(name, MOST_STEPS);
    this.#made.clear();
    if (found !== undefined) this.#spend(found.length * found.steps);
    return found;
  }

  #value(name: string, steps: number): Known | undefined {
    if (this.#made.has(name)) return this.#made.get(name);
    this.#made.set(name, undefined); // a file may lead in a circle
    const stored = this.#stored.get(name);
    const maker = this.#makers.get(name);
    let value: Known | undefined;
    if (stored !== undefined) value = wholeNumbers(stored);
    else if (maker !== undefined && steps > 0) value = this.#compute(maker, steps - 1);
    this.#made.set(name, value);
    return value;
  }

  #spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw new ModelFileError('its indices unfold to far more than the file');
  }

  #compute(node: StoredNode, steps: number): Known | undefined {
    const { opType, inputs } = node;
    const [first = '', second = ''] = inputs;
    const constant = node.tensors.get('value');
    if (opType === 'Constant') return constant === undefined ? undefined : wholeNumbers(constant);
    if (opType === 'Cast' || opType === 'Identity') return this.#value(first, steps);
    const operation = operationOf(node);
    if (operation === undefined && opType !== 'Reshape') return undefined;
    const [a, b] = [this.#value(first, steps), this.#value(second, steps)];
    if (a === undefined || b === undefined) return undefined;
    return operation === undefined ? reshaped(a, b) : combined(a, b, operation);
  }
}

/** A shape that has more dimensions is none. */
const MOST_DIMS = 64;

const reshaped = (a: Known, shape: Known): Known | undefined =>
  shape.length > MOST_DIMS
    ? undefined
    : { ...a, dims: Array.from({ length: shape.length }, (_, index) => shape.at(index)) };

/** Of equal sizes, with one number, or a row by a column: what unpacking needs of broadcasting. Stored in bytes. */
function combined(a: Known, b: Known, operation: Operation): Known | undefined {
  const [n, m] = [a.length, b.length];
  const steps = a.steps + b.steps + 1;
  const give = (length: number, dims: readonly number[], at: (i: number) => number): Known => ({
    ...{ dims, length, steps },
    at: (i) => at(i) & 0xff,
  });
  if (m === 1) return give(n, a.dims, (i) => operation(a.at(i), b.at(0)));
  if (n === m && a.dims.join() === b.dims.join()) return give(n, a.dims, (i) => operation(a.at(i), b.at(i)));
  const isRowByColumn = a.dims.length === 2 && a.dims[0] === 1 && b.dims.length === 2 && b.dims[1] === 1;
  if (!isRowByColumn) return undefined;
  return give(n * m, [m, n], (i) => operation(a.at(i % n), b.at(Math.floor(i / n))));
}

function outside({ length, at }: Known, size: number): number | undefined {
  for (let i = 0; i < length; i++) {
    const index = at(i);
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
