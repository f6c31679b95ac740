import { constants, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { onnx } from 'onnx-proto';
import { messageOf, WaysideError } from '../../core/errors.ts';
import { checkModel } from '../check.ts';
import type { Model } from '../graph.ts';
import { decodeDomain, decodeGraph } from './decode-graph.ts';
import { externalDataReader } from './external-data.ts';
import { DEFAULT_LIMITS, type ModelLimits } from './limits.ts';
import { fromInt64, proto } from './proto.ts';
import { surveyWire } from './wire.ts';

interface DecodeOptions {
  /** Where external data may lie; without it a model that needs some is refused. */
  readonly folder?: string;
  readonly limits?: Partial<ModelLimits>;
}

/**
 * Reads an ONNX file, with external data from its own folder.
 *
 * @throws {WaysideError} FILE_NOT_FOUND, and all of `decodeModel`
 */
export async function readModel(path: string, { limits }: Omit<DecodeOptions, 'folder'> = {}): Promise<Model> {
  const bytes = await readLimited(path, { ...DEFAULT_LIMITS, ...limits }.fileBytes);
  return decodeModel(bytes, { folder: dirname(path), ...(limits === undefined ? {} : { limits }) });
}

async function readLimited(path: string, limit: number): Promise<Uint8Array> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK); // opening a pipe must not wait
    try {
      const status = await file.stat();
      if (!status.isFile()) throw new WaysideError('FILE_NOT_FOUND', { message: `${path} is not a file` });
      if (status.size > limit) throw tooLarge(path, status.size, limit);
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof WaysideError) throw cause;
    throw new WaysideError('FILE_NOT_FOUND', { message: `cannot read ${path}: ${messageOf(cause)}`, cause });
  }
}

/**
 * Decodes the bytes of an ONNX file. Tensors are views of `bytes`: do not write into them afterwards.
 *
 * The result passes `checkModel`. What the model carries beyond `Model` (doc strings, training information,
 * quantization annotations, the per-node metadata of IR 10 and later) is left behind; none of it takes part in inference.
 *
 * @throws {WaysideError} MODEL_DECODE, MODEL_INVALID, MODEL_UNSUPPORTED, MODEL_TOO_LARGE, EXTERNAL_DATA
 */
export function decodeModel(bytes: Uint8Array, { folder, limits }: DecodeOptions = {}): Model {
  const allowed = { ...DEFAULT_LIMITS, ...limits };
  if (bytes.length > allowed.fileBytes) throw tooLarge('the model', bytes.length, allowed.fileBytes);
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength); // a Buffer's slice() does not copy
  surveyWire(plain, allowed);
  const source = decodeProto(plain);
  if (!source.graph) throw new WaysideError('MODEL_DECODE', { message: 'not a complete ONNX model: it has no graph' });
  if (source.functions?.length) {
    throw new WaysideError('MODEL_UNSUPPORTED', {
      message: `the model defines ${source.functions.length} functions of its own`,
      hint: 'export it with its functions inlined (onnx.inliner.inline_local_functions)',
    });
  }
  const model: Model = {
    irVersion: fromInt64(source.irVersion ?? 0) ?? 0,
    opsets: decodeOpsets(source.opsetImport ?? []),
    producerName: source.producerName ?? '',
    producerVersion: source.producerVersion ?? '',
    metadata: new Map((source.metadataProps ?? []).map(({ key, value }) => [key ?? '', value ?? ''])),
    graph: decodeGraph(source.graph, externalDataReader(folder, allowed.externalBytes)),
  };
  checkModel(model);
  return model;
}

function decodeProto(bytes: Uint8Array): onnx.IModelProto {
  try {
    return proto.ModelProto.decode(bytes);
  } catch (cause) {
    throw new WaysideError('MODEL_DECODE', { message: `not a complete ONNX model: ${messageOf(cause)}`, cause });
  }
}

function decodeOpsets(source: readonly onnx.IOperatorSetIdProto[]): ReadonlyMap<string, number> {
  const opsets = new Map<string, number>();
  for (const { domain, version } of source) {
    const name = decodeDomain(domain);
    if (opsets.has(name)) {
      throw new WaysideError('MODEL_INVALID', { message: `two versions of the operator set ${JSON.stringify(name)}` });
    }
    opsets.set(name, fromInt64(version ?? 0) ?? 0);
  }
  return opsets;
}

function tooLarge(what: string, size: number, limit: number): WaysideError {
  return new WaysideError('MODEL_TOO_LARGE', {
    message: `${what} has ${size} bytes, at most ${limit} are read`,
    hint: 'keep the weights as external data',
  });
}
