import { createHash } from 'node:crypto';
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { brotliCompressSync, constants } from 'node:zlib';
import { type Digest, digestOf } from '../../core/hash.ts';
import { ProtobufError } from '../../inference/protobuf.ts';
import { MODEL, type ModelPackage, readPackage, SIGNATURE } from '../../inference/read-package.ts';
import { CodeCoder } from './codes.ts';
import { findCopies, type KnownPiece } from './copies.ts';
import { BUNDLE_FORMAT, type BundledFile, type BundleHeader, type Codes, encodeHeader, MAGIC } from './header.ts';
import { type CodeTensor, codesIn } from './onnx-codes.ts';
import { packCodes, unpackCodes } from './packing.ts';
import { digestedFiles } from './parent-files.ts';
import { RangeEncoder } from './range-coder.ts';
import { cheaperAsDifference, meanDistance } from './spread.ts';

/** A bundle in memory. The same package, and the same parent, give the same bytes with the same version of brotli. */
export interface Bundle {
  readonly bytes: Uint8Array;
  /** Of the bytes: the name by which a bundle is asked for. */
  readonly digest: Digest;
  readonly package: Digest;
  readonly parent: Digest | undefined;
  /** Of all files of the package, and of those that loading the model takes. */
  readonly packageBytes: number;
  readonly runBytes: number;
  /** Where the bytes go. */
  readonly sizes: { readonly header: number; readonly codes: number; readonly rest: number };
}

interface SourceFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly tensors: readonly CodeTensor[];
}

const isFile = (path: string): Promise<boolean> =>
  lstat(path).then(
    (found) => found.isFile(),
    () => false,
  );

/** Code tensors that lie in this file, ascending and without overlap: two tensors may share bytes of a data file. */
function tensorsIn(name: string, bytes: Uint8Array, tensors: readonly CodeTensor[]): CodeTensor[] {
  let end = 0;
  return tensors
    .filter(({ location = MODEL }) => location === name)
    .sort((a, b) => a.at - b.at)
    .filter((tensor) => {
      const fits = tensor.at >= end && tensor.at + tensor.bytes <= bytes.length;
      if (fits) end = tensor.at + tensor.bytes;
      return fits && packsBack(bytes, tensor);
    });
}

/** False where bits that no code takes are set: they would be lost. */
function packsBack(bytes: Uint8Array, { at, bytes: length, packing, shape }: CodeTensor): boolean {
  const count = shape.rows * shape.columns * shape.kernel;
  if ((count * packing.bits) % 8 === 0) return true;
  const packed = bytes.subarray(at, at + length);
  return Buffer.compare(packCodes(unpackCodes(packed, count, packing), packing), packed) === 0;
}

/** @param model bytes of `model.onnx`; what is no protobuf message has no codes that could be found */
function tensorsOf(model: Uint8Array): CodeTensor[] {
  try {
    return codesIn(model);
  } catch (cause) {
    if (cause instanceof ProtobufError) return [];
    throw cause;
  }
}

async function sourceFiles(opened: ModelPackage, names: readonly string[]): Promise<SourceFile[]> {
  const tensors = tensorsOf(await readFile(opened.modelPath));
  const files: SourceFile[] = [];
  for (const name of names) {
    const bytes = await readFile(join(opened.dir, name));
    files.push({ name, bytes, tensors: tensorsIn(name, bytes, tensors) });
  }
  return files;
}

/** What of a file is no codes, and where it lies in the files taken as one. */
function* restPieces({ bytes, tensors }: SourceFile, start: number): Generator<KnownPiece> {
  let at = 0;
  for (const tensor of tensors) {
    if (tensor.at > at) yield { at: start + at, bytes: bytes.subarray(at, tensor.at) };
    at = tensor.at + tensor.bytes;
  }
  if (at < bytes.length) yield { at: start + at, bytes: bytes.subarray(at) };
}

function allRest(files: readonly SourceFile[]): KnownPiece[] {
  let start = 0;
  return files.flatMap((file) => {
    const pieces = [...restPieces(file, start)];
    start += file.bytes.length;
    return pieces;
  });
}

interface ParentLayer {
  readonly file: number;
  readonly at: number;
  readonly tensor: CodeTensor;
  readonly packed: Uint8Array;
}

const sameForm = (a: CodeTensor, b: CodeTensor): boolean =>
  JSON.stringify([a.packing, a.shape]) === JSON.stringify([b.packing, b.shape]);

/** The layers of the parent by the name of their tensor: the exporter names the same network alike. */
const parentLayers = (files: readonly SourceFile[]): Map<string, ParentLayer> =>
  new Map(
    files.flatMap(({ bytes, tensors }, file) =>
      tensors.map((tensor) => {
        const packed = bytes.subarray(tensor.at, tensor.at + tensor.bytes);
        return [tensor.name, { file, at: tensor.at, tensor, packed }] as const;
      }),
    ),
  );

/** Codes one layer after the other into one stream. */
class CodesWriter {
  readonly #encoder = new RangeEncoder();
  readonly #codes = new CodeCoder();
  readonly #parent: ReadonlyMap<string, ParentLayer>;
  readonly #signal: AbortSignal | undefined;
  #written = 0;

  constructor(parent: ReadonlyMap<string, ParentLayer>, signal: AbortSignal | undefined) {
    this.#parent = parent;
    this.#signal = signal;
  }

  async file({ name, bytes, tensors }: SourceFile): Promise<BundledFile> {
    const codes: Codes[] = [];
    let before: { readonly symbols: Uint8Array; readonly tensor: CodeTensor } | undefined;
    for (const tensor of tensors) {
      const count = tensor.shape.rows * tensor.shape.columns * tensor.shape.kernel;
      const symbols = unpackCodes(bytes.subarray(tensor.at, tensor.at + tensor.bytes), count, tensor.packing);
      const upper = before !== undefined && isNextPlane(before.tensor, tensor) ? before.symbols : undefined;
      codes.push(await this.#layer(tensor, symbols, upper));
      before = { symbols, tensor };
    }
    return { name, bytes: bytes.length, codes };
  }

  /** Nothing where there was nothing to code. */
  finish(): Uint8Array {
    return this.#written === 0 ? new Uint8Array() : this.#encoder.finish();
  }

  async #layer(tensor: CodeTensor, symbols: Uint8Array, upper: Uint8Array | undefined): Promise<Codes> {
    const { bits } = tensor.packing;
    const parent = upper === undefined ? this.#parent.get(tensor.name) : undefined;
    const known =
      parent !== undefined && sameForm(parent.tensor, tensor)
        ? unpackCodes(parent.packed, symbols.length, tensor.packing)
        : undefined;
    const asDifference = known !== undefined && cheaperAsDifference(symbols, known, bits);
    const spread = meanDistance(symbols, bits, asDifference ? known : undefined);
    const codes: Codes = {
      ...{ at: tensor.at, bytes: tensor.bytes, ...tensor.packing, ...tensor.shape, spread },
      ...(asDifference && parent !== undefined && { parent: { file: parent.file, at: parent.at } }),
      ...(upper !== undefined && { given: true as const }),
    };
    const reference = asDifference
      ? { symbols: known, use: 'difference' as const }
      : upper && { symbols: upper, use: 'context' as const };
    for (const _ of this.#codes.code(this.#encoder, symbols, codes, spread, reference)) {
      this.#signal?.throwIfAborted();
      await setImmediate();
    }
    this.#written += symbols.length;
    return codes;
  }
}

/** The bit planes of a layer follow each other, the upper bits first. */
const isNextPlane = (before: CodeTensor, tensor: CodeTensor): boolean =>
  before.packing.order === 'planes' &&
  tensor.packing.order === 'planes' &&
  tensor.packing.bits < before.packing.bits &&
  JSON.stringify(before.shape) === JSON.stringify(tensor.shape);

const brotli = (bytes: Uint8Array): Uint8Array =>
  brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });

function assemble(
  header: BundleHeader,
  rest: Uint8Array,
  codes: Uint8Array,
): { bytes: Uint8Array; headerBytes: number } {
  const packed = encodeHeader(header);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(packed.length);
  const covered = Buffer.concat([MAGIC, length, packed, rest, codes]);
  const bytes = Buffer.concat([covered, createHash('sha256').update(covered).digest()]);
  return { bytes, headerBytes: packed.length };
}

/** Bytes that a model takes on the way, the package around it not counted. @param model bytes of `model.onnx` */
export async function modelOverTheAir(model: Uint8Array, signal?: AbortSignal): Promise<number> {
  const file = { name: MODEL, bytes: model, tensors: tensorsIn(MODEL, model, tensorsOf(model)) };
  const writer = new CodesWriter(new Map(), signal);
  await writer.file(file);
  return writer.finish().length + brotli(Buffer.concat(allRest([file]).map(({ bytes }) => bytes))).length;
}

/**
 * Bundles a package into one file: the weights entropy-coded, the rest in brotli; with a parent, as what differs from it.
 *
 * @throws {WaysideError} FILE_NOT_FOUND, PACKAGE_INVALID for the package or the parent, BUNDLE_TOO_LARGE
 */
export async function bundlePackage(
  dir: string,
  { parent: parentDir, signal }: { readonly parent?: string; readonly signal?: AbortSignal } = {},
): Promise<Bundle> {
  const opened = await readPackage(dir);
  const signature = (await isFile(join(dir, SIGNATURE))) ? [SIGNATURE] : [];
  const parent = parentDir === undefined ? undefined : await readPackage(parentDir);
  const files = await sourceFiles(opened, [...digestedFiles(opened), ...signature]);
  const parentSources = parent === undefined ? [] : await sourceFiles(parent, digestedFiles(parent));
  const writer = new CodesWriter(parentLayers(parentSources), signal);
  const bundled: BundledFile[] = [];
  for (const file of files) bundled.push(await writer.file(file));
  const codes = writer.finish();
  const { copies, fresh } = findCopies(Buffer.concat(allRest(files).map(({ bytes }) => bytes)), allRest(parentSources));
  const rest = brotli(fresh);
  const header: BundleHeader = {
    format: BUNDLE_FORMAT,
    package: opened.digest,
    ...(parent !== undefined && { parent: parent.digest }),
    ...{ files: bundled, rest: rest.length, codes: codes.length, copies },
  };
  const { bytes, headerBytes } = assemble(header, rest, codes);
  const packageBytes = files.reduce((sum, file) => sum + file.bytes.length, 0);
  const sizes = { header: headerBytes, codes: codes.length, rest: rest.length };
  return {
    bytes,
    digest: digestOf(bytes),
    package: opened.digest,
    parent: parent?.digest,
    packageBytes,
    runBytes: opened.bytes,
    sizes,
  };
}
