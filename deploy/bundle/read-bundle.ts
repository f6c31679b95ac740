import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { createBrotliDecompress } from 'node:zlib';
import { messageOf, WaysideError } from '../../core/errors.ts';
import { diskFiles, type FileSystem, type OpenFile } from '../../core/file-system.ts';
import { writeFolderAtomic } from '../../core/files.ts';
import { digestOf } from '../../core/hash.ts';
import { type ModelPackage, readPackage } from '../../inference/read-package.ts';
import { readManifestText, verifyPackage } from '../store/verify-package.ts';
import { ByteSource, bytesAt } from './byte-source.ts';
import { CodeCoder } from './codes.ts';
import {
  BUNDLE_LIMITS,
  type BundleHeader,
  type BundleLimits,
  type Codes,
  decodeHeader,
  invalidBundle,
  MAGIC,
  requireBundleSize,
  requireHeaderLength,
} from './header.ts';
import { packCodes, unpackCodes } from './packing.ts';
import { ParentReader, parentFiles } from './parent-files.ts';
import { RangeDecoder } from './range-coder.ts';

const DIGEST_BYTES = 32;
const PROLOGUE = MAGIC.length + 4;

interface UnpackOptions extends UnpackIntoOptions {
  readonly replace?: boolean;
}

/** A regular file alone: a pipe would block until somebody writes into it. */
async function requireFile(path: string): Promise<void> {
  try {
    if (!(await stat(path)).isFile()) throw invalidBundle(`${path} is no file`);
  } catch (cause) {
    if (cause instanceof WaysideError) throw cause;
    throw new WaysideError('FILE_NOT_FOUND', { message: `cannot read ${path}: ${messageOf(cause)}`, cause });
  }
}

/** Every byte before the digest at the end is covered by it; nothing is made of any before that is known. */
async function requireDigest(files: FileSystem, path: string, size: number, signal?: AbortSignal): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of files.stream(path, { from: 0, to: size - DIGEST_BYTES })) {
    signal?.throwIfAborted();
    hash.update(chunk);
  }
  const stored = await bytesAt(files, path, size - DIGEST_BYTES, DIGEST_BYTES);
  if (!hash.digest().equals(stored)) throw invalidBundle('its bytes were changed: the digest at its end does not fit');
}

interface OpenedBundle {
  readonly files: FileSystem;
  readonly path: string;
  readonly header: BundleHeader;
  /** First byte of the rest. */
  readonly rest: number;
}

/** @throws {WaysideError} BUNDLE_INVALID, BUNDLE_TOO_LARGE */
async function openBundle(
  files: FileSystem,
  path: string,
  limits: BundleLimits,
  signal?: AbortSignal,
): Promise<OpenedBundle> {
  const size = (await files.size(path)) ?? 0;
  if (size < PROLOGUE + DIGEST_BYTES) throw invalidBundle('it is cut short');
  requireBundleSize(size, limits);
  const prologue = await bytesAt(files, path, 0, PROLOGUE);
  if (!prologue.subarray(0, MAGIC.length).equals(MAGIC)) throw invalidBundle(`${path} is no bundle`);
  const length = prologue.readUInt32LE(MAGIC.length);
  requireHeaderLength(length);
  await requireDigest(files, path, size, signal);
  if (PROLOGUE + length + DIGEST_BYTES > size) throw invalidBundle('it is cut short');
  const header = decodeHeader(await bytesAt(files, path, PROLOGUE, length), limits);
  const rest = PROLOGUE + length;
  const expected = rest + header.rest + header.codes + DIGEST_BYTES;
  if (expected !== size) throw invalidBundle(`expected ${expected} bytes, got ${size}`);
  return { files, path, header, rest };
}

/** The bytes that are no codes, as they come: new ones out of the stream, others out of the parent. */
async function* restOf(
  { files, path, header, rest }: OpenedBundle,
  parent: ParentReader | undefined,
): AsyncGenerator<Uint8Array> {
  if (header.rest === 0) return;
  const packed = Readable.from(files.stream(path, { from: rest, to: rest + header.rest }), { objectMode: false });
  const unpacked = createBrotliDecompress();
  packed.on('error', (error) => unpacked.destroy(error));
  const fresh = new ByteSource(packed.pipe(unpacked));
  try {
    for (const [length, at, copied] of header.copies) {
      yield* fresh.take(length);
      if (copied > 0) yield* parent!.read(at, copied);
    }
    yield* fresh.remaining();
  } finally {
    packed.destroy();
    unpacked.destroy();
  }
}

class Unpacker {
  readonly #bundle: OpenedBundle;
  readonly #parent: ParentReader | undefined;
  readonly #rest: ByteSource;
  readonly #decoder: RangeDecoder | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #codes = new CodeCoder();

  constructor(bundle: OpenedBundle, codes: Uint8Array, parent?: ParentReader, signal?: AbortSignal) {
    this.#bundle = bundle;
    this.#parent = parent;
    this.#signal = signal;
    this.#rest = new ByteSource(restOf(bundle, parent));
    this.#decoder = codes.length === 0 ? undefined : new RangeDecoder(codes);
  }

  /** Everything is flushed when it returns: files, and the names of files in their folders. */
  async unpackInto(files: FileSystem, folder: string): Promise<void> {
    const folders = new Set([folder]);
    for (const { name, bytes, codes } of this.#bundle.header.files) {
      const path = join(folder, name);
      if (!folders.has(dirname(path))) await files.makeFolder(dirname(path));
      for (let at = dirname(path); at !== folder; at = dirname(at)) folders.add(at);
      const file = await files.open(path, 'new', 0o644);
      try {
        let at = 0;
        let before: Uint8Array = new Uint8Array();
        for (const each of codes) {
          await this.#copyRest(file, each.at - at);
          before = await this.#symbols(each, before);
          await file.write(packCodes(before, each));
          at = each.at + each.bytes;
        }
        await this.#copyRest(file, bytes - at);
        await file.sync();
      } finally {
        await file.close();
      }
    }
    for (const each of [...folders].reverse()) await files.syncFolder(each);
    await this.#rest.requireEnd();
    this.#decoder?.finish();
  }

  async #copyRest(file: OpenFile, length: number): Promise<void> {
    for await (const piece of this.#rest.take(length)) {
      this.#signal?.throwIfAborted();
      await file.write(piece);
    }
  }

  async #symbols(codes: Codes, before: Uint8Array): Promise<Uint8Array> {
    const decoder = this.#decoder;
    if (decoder === undefined) throw invalidBundle('it declares codes and holds none');
    const symbols = new Uint8Array(codes.rows * codes.columns * codes.kernel);
    const reference = await this.#reference(codes, symbols.length, before);
    for (const _ of this.#codes.code(decoder, symbols, codes, codes.spread, reference)) {
      this.#signal?.throwIfAborted();
      await setImmediate();
    }
    return symbols;
  }

  async #reference(codes: Codes, count: number, before: Uint8Array) {
    if (codes.given) return { symbols: before, use: 'context' as const };
    if (codes.parent === undefined) return undefined;
    const packed = await this.#parent!.readIn(codes.parent.file, codes.parent.at, codes.bytes);
    return { symbols: unpackCodes(packed, count, codes), use: 'difference' as const };
  }
}

async function openParent(
  { files, header }: OpenedBundle,
  folder: string | undefined,
): Promise<ParentReader | undefined> {
  if (header.parent === undefined) return undefined;
  const needs = `the bundle holds differences from the package ${header.parent}`;
  if (folder === undefined)
    throw new WaysideError('BUNDLE_PARENT', { message: `${needs}, and no package was named`, hint: 'name its folder' });
  const digest = digestOf(await readManifestText(files, folder));
  if (digest !== header.parent)
    throw new WaysideError('BUNDLE_PARENT', {
      message: `${needs}; ${folder} is ${digest}`,
      hint: 'take the bundle of the whole package',
    });
  return new ParentReader(files, await parentFiles(files, folder, await verifyPackage(files, folder, digest)));
}

interface UnpackIntoOptions {
  /** Folder of the package that a bundle of differences was made against. */
  readonly parent?: string;
  readonly limits?: Partial<BundleLimits>;
  readonly signal?: AbortSignal;
}

/**
 * Unpacks a bundle into a folder that is there and empty, and flushes it. Whatever a bundle says is checked before it is believed:
 * sizes before memory is taken, names before files are made. What came out is for the caller to verify.
 *
 * @throws {WaysideError} BUNDLE_INVALID, BUNDLE_TOO_LARGE, BUNDLE_PARENT, PACKAGE_INVALID (the parent)
 */
export async function unpackBundleInto(
  files: FileSystem,
  path: string,
  folder: string,
  { parent, limits, signal }: UnpackIntoOptions = {},
): Promise<BundleHeader> {
  try {
    const bundle = await openBundle(files, path, { ...BUNDLE_LIMITS, ...limits }, signal);
    const reader = await openParent(bundle, parent);
    const codes = await bytesAt(files, path, bundle.rest + bundle.header.rest, bundle.header.codes);
    await new Unpacker(bundle, codes, reader, signal).unpackInto(files, folder);
    return bundle.header;
  } catch (cause) {
    // zlib has codes of its own for what it cannot read.
    if (
      cause instanceof Error &&
      'code' in cause &&
      /^(?:Z_|ERR_)/.test(String(cause.code)) &&
      !(cause instanceof WaysideError)
    )
      throw invalidBundle(messageOf(cause), cause);
    throw cause;
  }
}

/**
 * Unpacks a bundle into a folder that appears whole, or not at all: the digest of every file is checked before it is shown.
 *
 * @throws {WaysideError} FILE_NOT_FOUND, BUNDLE_INVALID, BUNDLE_TOO_LARGE, BUNDLE_PARENT, PACKAGE_INVALID (what came out is no
 *   package), OUTPUT_EXISTS, FILE_WRITE_FAILED
 */
export async function unpackBundle(
  path: string,
  out: string,
  { replace = false, ...options }: UnpackOptions = {},
): Promise<ModelPackage> {
  await requireFile(path);
  await writeFolderAtomic(
    out,
    async (folder) => {
      const header = await unpackBundleInto(diskFiles, path, folder, options);
      const { digest } = await readPackage(folder);
      if (digest !== header.package) throw invalidBundle(`expected the package ${header.package}, got ${digest}`);
    },
    { replace },
  );
  return readPackage(out);
}

/** Whether bytes begin as those of a bundle do. */
export const isBundle = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.subarray(0, MAGIC.length)).equals(Buffer.from(MAGIC));

/** What a bundle says of itself, its bytes verified. */
export async function inspectBundle(
  path: string,
  limits: Partial<BundleLimits> = {},
  files: FileSystem = diskFiles,
): Promise<BundleHeader> {
  if (files === diskFiles) await requireFile(path);
  return (await openBundle(files, path, { ...BUNDLE_LIMITS, ...limits })).header;
}
