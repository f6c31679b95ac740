import { narrow } from '../../core/narrow.ts';
import { stringAttribute } from '../attributes.ts';
import type { Graph } from '../graph.ts';
import { elementCount, type Tensor } from '../tensor.ts';
import type { GraphIndex } from '../topology.ts';

interface Bytes {
  readonly dims: readonly number[];
  readonly values: Uint8Array;
}

const bytesOf = ({ dtype, dims, bytes }: Tensor): Bytes | undefined =>
  dtype === 'uint8' ? { dims, values: bytes } : undefined;

/** One axis against another: `[1, n]` with `[p, 1]`, equal shapes, or a scalar. */
function combine(a: Bytes, b: Bytes, operation: (x: number, y: number) => number): Bytes | undefined {
  const [n, p] = [elementCount(a.dims), elementCount(b.dims)];
  const values = (length: number, at: (i: number) => readonly [number, number]): Uint8Array =>
    narrow('uint8', length, (i) => operation(...at(i)), 'a byte of packed indices');
  if (n === p || p === 1) {
    return { dims: a.dims, values: values(n, (i) => [a.values[i]!, b.values[p === 1 ? 0 : i]!]) };
  }
  if (a.dims.length !== 2 || a.dims[0] !== 1 || b.dims.length !== 2 || b.dims[1] !== 1) return undefined;
  return {
    dims: [p, n],
    values: values(n * p, (i) => [a.values[i % n]!, b.values[Math.floor(i / n)]!]),
  };
}

/**
 * Works out uint8 indices that a file keeps as packed bit planes: BitShift, BitwiseAnd, BitwiseOr and Reshape over constants.
 *
 * @returns undefined where the value is made in any other way
 */
export function packedBytes(graph: Graph, index: GraphIndex, value: string): Uint8Array | undefined {
  return unpack(graph, index, value)?.values;
}

function unpack(graph: Graph, index: GraphIndex, value: string): Bytes | undefined {
  const constant = graph.initializers.get(value);
  if (constant !== undefined) return bytesOf(constant);
  const node = index.producer(value);
  if (node === undefined) return undefined;
  const first = unpack(graph, index, node.inputs[0] ?? '');
  if (first === undefined || node.opType === 'Reshape' || node.opType === 'Cast') return first;
  const second = unpack(graph, index, node.inputs[1] ?? '');
  if (second === undefined) return undefined;
  switch (node.opType) {
    // As arithmetic: `<<` takes a distance modulo 32, and what leaves the byte to the left is gone.
    case 'BitShift':
      return stringAttribute(node, 'direction', '') === 'LEFT'
        ? combine(first, second, (x, y) => (x * 2 ** y) % 256)
        : combine(first, second, (x, y) => Math.floor(x / 2 ** y));
    case 'BitwiseAnd':
      return combine(first, second, (x, y) => x & y);
    case 'BitwiseOr':
      return combine(first, second, (x, y) => x | y);
    default:
      return undefined;
  }
}
