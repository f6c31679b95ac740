import { basename, dirname, join } from 'node:path';
import { WaysideError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../core/files.ts';
import { checkModel } from '../check.ts';
import type { Model } from '../graph.ts';
import { type ExternalPlace, encodeGraph } from './encode-graph.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { proto } from './proto.ts';

/** From this IR version on initializers need not be repeated among the inputs (onnx IR.md). */
const FREE_INITIALIZERS_IR = 4;

/** Page size: ONNX Runtime maps external data into memory, which needs offsets on page boundaries. */
const ALIGNMENT = 4096;

/**
 * The model as the bytes of an ONNX file, everything inside. Equal models give equal bytes.
 *
 * @throws {WaysideError} MODEL_INVALID; MODEL_TOO_LARGE above 2^31 - 1 bytes, where protobuf ends
 */
export function encodeModel(model: Model): Uint8Array {
  return encode(model, () => undefined);
}

interface WriteOptions {
  /**
   * Keep tensors of at least this many bytes in `<name of the file>.data` beside it. @default none, or those of a page and more where
   * one file could not hold the model
   */
  readonly externalData?: { readonly minBytes: number };
}

/**
 * Writes a model whole or not at all: a reader sees the old file or the new one. With external data the data file is in
 * place before the model that names it.
 *
 * @throws {WaysideError} FILE_WRITE_FAILED, and those of `encodeModel`
 */
export async function writeModel(model: Model, path: string, { externalData }: WriteOptions = {}): Promise<void> {
  const minBytes = externalData?.minBytes ?? (bytesInside(model) > MOST_INSIDE ? ALIGNMENT : undefined);
  if (minBytes === undefined) {
    await writeFileAtomic(path, encodeModel(model));
    return;
  }
  const location = `${basename(path)}.data`;
  const { encoded, pieces } = encodeApart(model, location, minBytes);
  if (pieces.length > 0) await writeFileAtomic(join(dirname(path), location), pieces);
  await writeFileAtomic(path, encoded);
}

/**
 * The model with its large tensors beside it: the bytes of its file, and what the file `location` must hold, piece by piece. The pieces
 * are the tensors themselves, not copies.
 *
 * @throws {WaysideError} those of `encodeModel`
 */
export function encodeApart(
  model: Model,
  location: string,
  minBytes: number,
): { readonly encoded: Uint8Array; readonly pieces: readonly Uint8Array[] } {
  const { places, pieces } = layOut(model, location, minBytes);
  return { encoded: encode(model, (name) => places.get(name)), pieces };
}

function layOut(model: Model, location: string, minBytes: number) {
  const places = new Map<string, ExternalPlace>();
  const pieces: Uint8Array[] = [];
  let end = 0;
  for (const [name, { bytes }] of model.graph.initializers) {
    if (bytes.length < Math.max(minBytes, 1)) continue;
    const padding = (ALIGNMENT - (end % ALIGNMENT)) % ALIGNMENT;
    const offset = end + padding;
    places.set(name, { location, offset, length: bytes.length });
    pieces.push(new Uint8Array(padding), bytes);
    end = offset + bytes.length;
  }
  if (end > DEFAULT_LIMITS.externalBytes) {
    throw new WaysideError('MODEL_TOO_LARGE', {
      message: `the weights take ${end} bytes, at most ${DEFAULT_LIMITS.externalBytes} are written`,
    });
  }
  return { places, pieces };
}

/** Bytes of weights that one file takes: the rest of what protobuf allows is for nodes, names and shapes. */
const MOST_INSIDE = DEFAULT_LIMITS.fileBytes - 2 ** 26;

const bytesInside = ({ graph }: Model): number =>
  [...graph.initializers.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);

function encode(model: Model, place: (name: string) => ExternalPlace | undefined): Uint8Array {
  checkModel(model);
  const { initializers } = model.graph;
  let inside = 0;
  for (const [name, { bytes }] of initializers) if (place(name) === undefined) inside += bytes.length;
  if (inside > DEFAULT_LIMITS.fileBytes) {
    throw new WaysideError('MODEL_TOO_LARGE', {
      message: `the model holds ${inside} bytes of weights, protobuf ends at ${DEFAULT_LIMITS.fileBytes}`,
      hint: 'write it with external data',
    });
  }
  return proto.ModelProto.encode({
    irVersion: model.irVersion,
    producerName: model.producerName,
    producerVersion: model.producerVersion,
    opsetImport: [...model.opsets].map(([domain, version]) => ({ domain, version })),
    metadataProps: [...model.metadata].map(([key, value]) => ({ key, value })),
    graph: encodeGraph(model.graph, {
      repeatInitializers: model.irVersion < FREE_INITIALIZERS_IR,
      // A subgraph's initializer may share its name with another: only those of the main graph move out.
      place: (name, tensor) => (initializers.get(name) === tensor ? place(name) : undefined),
    }),
  }).finish();
}
