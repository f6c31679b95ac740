import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { createBrotliDecompress } from 'node:zlib';
import { messageOf, WaysideError } from '../../core/errors.ts';
import { writeFolderAtomic } from '../../core/files.ts';
import { type ModelPackage, readPackage } from '../../inference/read-package.ts';
import { ByteSource } from './byte-source.ts';
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

export interface UnpackOptions {
  /** Folder of the package that a bundle of differences was made against. */
  readonly parent?: string;
  readonly limits?: Partial<BundleLimits>;
  readonly replace?: boolean;
  readonly signal?: AbortSignal;
}

/** Opens a regular file alone: a pipe would block until somebody writes into it. */
async function openBundle(path: string): Promise<FileHandle> {
  try {
    if (!(await stat(path)).isFile()) throw invalidBundle(`${path} is no file`);
    return await open(path, 'r');
  } catch (cause) {
    if (cause instanceof WaysideError) throw cause;
    throw new WaysideError('FILE_NOT_FOUND', { message: `cannot read ${path}: ${messageOf(cause)}`, cause });
  }
}

async function bytesAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  for (let read = 0; read < length; ) {
    const { bytesRead } = await file.read(bytes, read, length - read, at + read);
    if (bytesRead === 0) throw invalidBundle('it is cut short');
    read += bytesRead;
  }
  return bytes;
}

/** Every byte before the digest at the end is covered by it; nothing is made of any before that is known. */
async function requireDigest(path: string, file: FileHandle, size: number, signal?: AbortSignal): Promise<void> {
  const hash = createHash('sha256');
  const covered = createReadStream(path, { end: size - DIGEST_BYTES - 1, ...(signal && { signal }) });
  for await (const chunk of covered) hash.update(chunk as Buffer);
  const stored = await bytesAt(file, size - DIGEST_BYTES, DIGEST_BYTES);
  if (!hash.digest().equals(stored)) throw invalidBundle('its bytes were changed: the digest at its end does not fit');
}

interface OpenedBundle {
  readonly path: string;
  readonly file: FileHandle;
  readonly header: BundleHeader;
  /** First byte of the rest. */
  readonly rest: number;
}

/** @throws {WaysideError} BUNDLE_INVALID, BUNDLE_TOO_LARGE */
async function readHeader(
  path: string,
  file: FileHandle,
  limits: BundleLimits,
  signal?: AbortSignal,
): Promise<OpenedBundle> {
  const { size } = await file.stat();
  if (size < PROLOGUE + DIGEST_BYTES) throw invalidBundle('it is cut short');
  requireBundleSize(size, limits);
  const prologue = await bytesAt(file, 0, PROLOGUE);
  if (!prologue.subarray(0, MAGIC.length).equals(MAGIC)) throw invalidBundle(`${path} is no bundle`);
  const length = prologue.readUInt32LE(MAGIC.length);
  requireHeaderLength(length);
  await requireDigest(path, file, size, signal);
  if (PROLOGUE + length + DIGEST_BYTES > size) throw invalidBundle('it is cut short');
  const header = decodeHeader(await bytesAt(file, PROLOGUE, length), limits);
  const rest = PROLOGUE + length;
  const expected = rest + header.rest + header.codes + DIGEST_BYTES;
  if (expected !== size) throw invalidBundle(`expected ${expected} bytes, got ${size}`);
  return { path, file, header, rest };
}

/** The bytes that are no codes, as they come: new ones out of the stream, others out of the parent. */
async function* restOf(
  { path, header, rest }: OpenedBundle,
  parent: ParentReader | undefined,
): AsyncGenerator<Uint8Array> {
  if (header.rest === 0) return;
  const packed = createReadStream(path, { start: rest, end: rest + header.rest - 1 });
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

  async unpackInto(folder: string): Promise<void> {
    for (const { name, bytes, codes } of this.#bundle.header.files) {
      const path = join(folder, name);
      await mkdir(dirname(path), { recursive: true });
      const file = await open(path, 'wx', 0o644);
      try {
        let at = 0;
        let before: Uint8Array = new Uint8Array();
        for (const each of codes) {
          await this.#copyRest(file, each.at - at);
          before = await this.#symbols(each, before);
          await file.writeFile(packCodes(before, each));
          at = each.at + each.bytes;
        }
        await this.#copyRest(file, bytes - at);
        await file.sync();
      } finally {
        await file.close();
      }
    }
    await this.#rest.requireEnd();
    this.#decoder?.finish();
  }

  async #copyRest(file: FileHandle, length: number): Promise<void> {
    for await (const piece of this.#rest.take(length)) {
      this.#signal?.throwIfAborted();
      await file.writeFile(piece);
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

async function openParent({ header }: OpenedBundle, folder: string | undefined): Promise<ParentReader | undefined> {
  if (header.parent === undefined) return undefined;
  const needs = `the bundle holds differences from the package ${header.parent}`;
  if (folder === undefined)
    throw new WaysideError('BUNDLE_PARENT', { message: `${needs}, and no package was named`, hint: 'name its folder' });
  const parent = await readPackage(folder);
  if (parent.digest !== header.parent)
    throw new WaysideError('BUNDLE_PARENT', {
      message: `${needs}; ${folder} is ${parent.digest}`,
      hint: 'take the bundle of the whole package',
    });
  return new ParentReader(await parentFiles(parent));
}

/**
 * Unpacks a bundle into a folder that appears whole, or not at all. Whatever a bundle says is checked before it is
 * believed: sizes before memory is taken, names before files are made, the digest of every file before the folder is shown.
 *
 * @throws {WaysideError} FILE_NOT_FOUND, BUNDLE_INVALID, BUNDLE_TOO_LARGE, BUNDLE_PARENT, PACKAGE_INVALID (what came out is no
 *   package), OUTPUT_EXISTS, FILE_WRITE_FAILED
 */
export async function unpackBundle(
  path: string,
  out: string,
  { parent: parentFolder, limits, replace = false, signal }: UnpackOptions = {},
): Promise<ModelPackage> {
  const file = await openBundle(path);
  let parent: ParentReader | undefined;
  try {
    const bundle = await readHeader(path, file, { ...BUNDLE_LIMITS, ...limits }, signal);
    parent = await openParent(bundle, parentFolder);
    const codes = await bytesAt(file, bundle.rest + bundle.header.rest, bundle.header.codes);
    const opened = parent;
    await writeFolderAtomic(
      out,
      async (folder) => {
        await new Unpacker(bundle, codes, opened, signal).unpackInto(folder);
        const { digest } = await readPackage(folder);
        if (digest !== bundle.header.package)
          throw invalidBundle(`expected the package ${bundle.header.package}, got ${digest}`);
      },
      { replace },
    );
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
  } finally {
    await file.close();
    await parent?.close();
  }
  return readPackage(out);
}

/** What a bundle says of itself, its bytes verified. */
export async function inspectBundle(path: string, limits: Partial<BundleLimits> = {}): Promise<BundleHeader> {
  const file = await openBundle(path);
  try {
    return (await readHeader(path, file, { ...BUNDLE_LIMITS, ...limits })).header;
  } finally {
    await file.close();
  }
}
