import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { z } from 'zod';
import { messageOf, WaysideError } from '../../core/errors.ts';
import { DigestText, PackagePath } from '../../inference/manifest.ts';
import { packedLength } from './packing.ts';

/** Version of the format this code writes, and the newest it reads. */
export const BUNDLE_FORMAT = 1;

/** Starts every bundle: a byte that no text has, a name, line ends that a copy as text would change (as PNG does). */
export const MAGIC = Uint8Array.from([0x8f, 0x57, 0x53, 0x42, 0x0d, 0x0a, 0x1a, 0x0a]);

/** What a reader accepts before it has allocated anything. */
export interface BundleLimits {
  /** Bytes of all files together once unpacked. @default 1 GiB: seven times VGG16 for photographs in int8 */
  readonly bytes: number;
  /** @default 2,000: a thousand golden samples */
  readonly files: number;
}
export const BUNDLE_LIMITS: BundleLimits = { bytes: 2 ** 30, files: 2000 };
/** The header: 60 bytes a layer, 100 a file. Packed and unpacked. */
const MOST_HEADER = 2 ** 20;
const MOST_HEADER_TEXT = 2 ** 22;
/** Codes of one layer, which are in memory at once. */
const MOST_CODES = 2 ** 28;

const size = z
  .int()
  .min(0)
  .max(2 ** 40);
const count = z.int().min(1).max(MOST_CODES);

const Codes = z.strictObject({
  /** First byte in the file, and how many. */
  at: size,
  bytes: size,
  bits: z.union([z.literal(1), z.literal(2), z.literal(4), z.literal(8)]),
  order: z.enum(['consecutive', 'planes']),
  signed: z.boolean(),
  rows: count,
  columns: count,
  kernel: count,
  kernelWidth: count,
  /** Mean distance of a symbol from the middle. */
  spread: z.int().min(1).max(128),
  /** Where the same layer lies in the parent: number of the file in its list, first byte. */
  parent: z.strictObject({ file: size, at: size }).optional(),
  /** The codes just before these in the same file help to predict: they are the upper bits of the same weights. */
  given: z.literal(true).optional(),
});
/** Codes of one layer: where they lie in the file, how they are packed, and by what they are predicted. */
export type Codes = z.infer<typeof Codes>;

const BundledFile = z.strictObject({
  name: PackagePath.max(200),
  bytes: size,
  /** Ascending, without overlap. What lies between is in the rest. */
  codes: z.array(Codes),
});
export type BundledFile = z.infer<typeof BundledFile>;

/** A run of the rest: new bytes, then bytes copied from the parent's files, which are taken as one after the other. */
const Copy = z.tuple([size, size, size]);

export const BundleHeader = z.strictObject({
  format: z.literal(BUNDLE_FORMAT),
  /** Digest of the package that comes out: of its manifest, and through it of every other file. */
  package: DigestText,
  /** Digest of the package whose files must be there. */
  parent: DigestText.optional(),
  files: z.array(BundledFile).min(1),
  /** Bytes of the two sections after the header. */
  rest: size,
  codes: size,
  /** `[new bytes, position in the parent, copied bytes]`. */
  copies: z.array(Copy),
});
export type BundleHeader = z.infer<typeof BundleHeader>;

export const invalidBundle = (message: string, cause?: unknown): WaysideError =>
  new WaysideError('BUNDLE_INVALID', {
    message: `the bundle is not usable: ${message}`,
    hint: 'copy or make it again',
    cause,
  });

const tooLarge = (message: string): WaysideError =>
  new WaysideError('BUNDLE_TOO_LARGE', { message, hint: 'nothing was written' });

export function encodeHeader(header: BundleHeader): Uint8Array {
  const text = Buffer.from(JSON.stringify(header));
  const bytes = brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  if (text.length > MOST_HEADER_TEXT || bytes.length > MOST_HEADER)
    throw tooLarge(`the package has too many files and layers for a bundle: a header of ${text.length} bytes`);
  return bytes;
}

/** Packed bytes are no more than unpacked ones, but for a header. @throws {WaysideError} BUNDLE_TOO_LARGE */
export function requireBundleSize(size: number, limits: BundleLimits): void {
  const most = limits.bytes + 2 * MOST_HEADER;
  if (size > most) throw tooLarge(`the bundle has ${size} bytes, more than ${most}`);
}

/** @throws {WaysideError} BUNDLE_TOO_LARGE */
export function requireHeaderLength(length: number): void {
  if (length > MOST_HEADER) throw tooLarge(`the bundle declares a header of ${length} bytes, more than ${MOST_HEADER}`);
}

/**
 * The header, every number in it checked against the others: what is read after it can trust it.
 *
 * @throws {WaysideError} BUNDLE_INVALID, BUNDLE_TOO_LARGE
 */
export function decodeHeader(packed: Uint8Array, limits: BundleLimits): BundleHeader {
  let value: unknown;
  try {
    value = JSON.parse(brotliDecompressSync(packed, { maxOutputLength: MOST_HEADER_TEXT }).toString('utf8'));
  } catch (cause) {
    throw invalidBundle(`its header cannot be read: ${messageOf(cause)}`, cause);
  }
  const format = typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined;
  if (typeof format === 'number' && format > BUNDLE_FORMAT) {
    const message = `the bundle has format ${format}; this version reads up to ${BUNDLE_FORMAT}`;
    throw new WaysideError('BUNDLE_INVALID', { message, hint: 'update Wayside on this machine' });
  }
  const parsed = BundleHeader.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalidBundle(`its header: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  const header = parsed.data;
  requireFiles(header, limits);
  requireLayers(header);
  requireCopies(header);
  return header;
}

const total = (numbers: readonly number[]): number => numbers.reduce((sum, n) => sum + n, 0);

function requireFiles({ files }: BundleHeader, limits: BundleLimits): void {
  if (files.length > limits.files) throw tooLarge(`the bundle holds ${files.length} files, more than ${limits.files}`);
  const bytes = total(files.map((file) => file.bytes));
  if (bytes > limits.bytes) throw tooLarge(`the bundle unpacks to ${bytes} bytes, more than ${limits.bytes}`);
  // A file system may hold `A` and `a` for one.
  const names = new Set<string>();
  const folders = new Set<string>();
  for (const { name } of files) {
    const key = name.toLowerCase();
    if (names.has(key)) throw invalidBundle(`it holds ${name} twice`);
    names.add(key);
    for (let at = key.indexOf('/'); at !== -1; at = key.indexOf('/', at + 1)) folders.add(key.slice(0, at));
  }
  for (const name of names) if (folders.has(name)) throw invalidBundle(`${name} is a file and a folder`);
}

function requireLayers({ files, parent }: BundleHeader): void {
  for (const { name, bytes, codes } of files) {
    let end = 0;
    let before: number | undefined;
    for (const [position, each] of codes.entries()) {
      const number = each.rows * each.columns * each.kernel;
      const where = `codes ${position} in ${name}`;
      if (number > MOST_CODES) throw tooLarge(`${where}: ${number} are more than ${MOST_CODES}`);
      if (each.at < end || each.at + each.bytes > bytes) throw invalidBundle(`${where} lie outside of it or overlap`);
      if (packedLength(number, each) !== each.bytes || (each.order === 'planes' && (number * each.bits) % 8 !== 0))
        throw invalidBundle(`${where}: ${number} do not take ${each.bytes} bytes`);
      if (each.kernel % each.kernelWidth !== 0) throw invalidBundle(`${where}: a kernel of no whole lines`);
      if (each.given && before !== number) throw invalidBundle(`${where} are predicted by codes that are not there`);
      if (each.parent !== undefined && (parent === undefined || each.given))
        throw invalidBundle(`${where} are predicted by a parent that is not named, or twice`);
      end = each.at + each.bytes;
      before = number;
    }
  }
}

function requireCopies({ files, parent, copies }: BundleHeader): void {
  if (copies.length > 0 && parent === undefined) throw invalidBundle('it copies from a parent that it does not name');
  const rest = restLength(files);
  if (total(copies.map(([fresh, , copied]) => fresh + copied)) > rest)
    throw invalidBundle(`it copies more than the ${rest} bytes that are not codes`);
}

/** Bytes of the files that are not codes. */
const restLength = (files: readonly BundledFile[]): number =>
  total(files.map(({ bytes, codes }) => bytes - total(codes.map((each) => each.bytes))));
