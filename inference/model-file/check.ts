import type { RandomAccess } from '../../core/file-system.ts';
import { ProtobufError } from '../protobuf.ts';
import { elementsOf, indexFault, productOf, wholeNumbers } from './indices.ts';
import { graphsOf, ModelFileError, type StoredGraph, type StoredTensor, tensorsOf } from './tensors.ts';

/** Bytes of the files that a package names, by their names. */
type FileSizes = ReadonlyMap<string, number>;

/** Bits of an element, by its number in `TensorProto.DataType`; text, 8, has none. */
const BITS: Readonly<Record<number, number>> = {
  ...{ 1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 14: 64, 15: 128 },
  ...{ 16: 16, 17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4, 24: 8, 25: 2, 26: 2 },
};

/** Float values in 512 MB: what a model may make out of nothing when it is loaded. */
const MOST_MADE = 2 ** 27;

const quoted = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);

const bytesOf = ({ dims, type }: StoredTensor): number => Math.ceil((elementsOf(dims) * (BITS[type] ?? 0)) / 8);

function externalFault(tensor: StoredTensor, sizes: FileSizes): string | undefined {
  const { name, external } = tensor;
  // Each may be given several times, and readers differ on which counts: the largest has to fit.
  const largest = (key: string): number =>
    external.reduce(
      (most, [each, value]) =>
        each === key ? Math.max(most, /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN) : most,
      0,
    );
  const end = largest('offset') + Math.max(bytesOf(tensor), largest('length'));
  const locations = external.flatMap(([key, value]) => (key === 'location' ? [value] : []));
  if (locations.length === 0) return `tensor ${quoted(name)} lies nowhere`;
  for (const location of locations) {
    const size = sizes.get(location);
    if (size === undefined)
      return `tensor ${quoted(name)} lies in ${quoted(location)}, which is no file of the package`;
    if (!(end <= size)) return `tensor ${quoted(name)} lies beyond the end of ${quoted(location)}`;
  }
  return undefined;
}

/** A shape that the data does not fill is memory that a runtime takes on the word of a stranger. */
function sizeFault(tensor: StoredTensor): string | undefined {
  const { name, dims, type, raw, typedBytes } = tensor;
  const count = elementsOf(dims);
  if (BITS[type] === undefined || count === 0) return undefined;
  if (!Number.isSafeInteger(count) || count < 0) return `tensor ${quoted(name)} has an impossible shape`;
  // A number of up to 64 bits takes a byte or more when it is typed, and up to four small ones share it.
  const fits = raw === undefined ? count <= typedBytes * 4 : raw.length === bytesOf(tensor);
  return fits ? undefined : `tensor ${quoted(name)} holds other than the ${count} values of its shape`;
}

/** Values that nodes make out of a stored shape, all together. */
function made({ initializers, nodes }: StoredGraph): number {
  const stored = new Map(initializers.map((tensor) => [tensor.name, tensor]));
  for (const { opType, outputs, tensors } of nodes) {
    const value = tensors.get('value');
    if (opType === 'Constant' && value !== undefined) stored.set(outputs[0] ?? '', value);
  }
  return nodes.reduce((sum, { opType, inputs }) => {
    const shape = stored.get(inputs[opType === 'Expand' || opType === 'Tile' ? 1 : 0] ?? '');
    if (!['ConstantOfShape', 'Expand', 'Tile'].includes(opType) || shape === undefined) return sum;
    return sum + Math.abs(productOf(wholeNumbers(shape)));
  }, 0);
}

function graphFault(graph: StoredGraph, sizes: FileSizes, fileBytes: number): string | undefined {
  for (const tensor of tensorsOf(graph)) {
    const fault = tensor.external.length > 0 ? externalFault(tensor, sizes) : sizeFault(tensor);
    if (fault !== undefined) return fault;
  }
  if (made(graph) > MOST_MADE) return `it makes more than ${MOST_MADE} values out of nothing`;
  return indexFault(graph, fileBytes);
}

/**
 * What is wrong with a model file that a stranger may have made, in words, before a runtime gets it: data outside of the package,
 * shapes that nothing fills, indices beyond what they read. Time is bounded by the size of the file, memory by some hundred
 * thousand names; weights and indices are not held.
 *
 * It does not say that the model is valid, nor that it computes what it should: the runtime and the golden samples do.
 */
export function modelFileFault(model: Uint8Array | RandomAccess, sizes: FileSizes): string | undefined {
  try {
    for (const graph of graphsOf(model)) {
      const fault = graphFault(graph, sizes, model.length);
      if (fault !== undefined) return fault;
    }
    return undefined;
  } catch (thrown) {
    if (thrown instanceof ProtobufError) return `it is no complete ONNX model: ${thrown.message}`;
    if (thrown instanceof ModelFileError) return thrown.message;
    throw thrown;
  }
}
