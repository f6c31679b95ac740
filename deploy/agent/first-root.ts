import { z } from 'zod';
import { messageOf, WaysideError } from '../../core/errors.ts';
import { type Digest, digestOf } from '../../core/hash.ts';
import { HttpClient } from './tuf/http.ts';

/** The document in which a box's trust in an update repository begins. */
export interface FirstRoot {
  readonly bytes: Buffer;
  readonly digest: Digest;
  readonly expires: string;
}

export interface RootPlace {
  /** Holds `metadata/` and `targets/`. */
  readonly url: string;
  /** Above 1 where the keys of an older repository were lost. @default 1 */
  readonly version?: number | undefined;
  /** PEM. */
  readonly ca?: string | undefined;
}

/** As `maxRootLength` of the client workflow. */
const MOST_BYTES = 512_000;

const rootSchema = z.object({
  signed: z.object({ _type: z.literal('root'), version: z.int().min(1), expires: z.string() }),
});

/** @returns 64 hexadecimal digits, however they were written: with `sha256:`, colons, blanks, capitals; undefined for what is no SHA-256 */
export function fingerprintOf(text: string): Digest | undefined {
  const digits = text
    .trim()
    .replace(/^sha-?256[:= ]/i, '')
    .replaceAll(/[\s:]/g, '')
    .toLowerCase();
  return /^[0-9a-f]{64}$/.test(digits) ? `sha256:${digits}` : undefined;
}

/**
 * Fetches the first root of a repository. Whoever sits on the way could send another: it is worth as much as the comparison of its digest
 * with what the office says.
 *
 * @throws {WaysideError} DOWNLOAD_FAILED, DOWNLOAD_SLOW, DOWNLOAD_TOO_LARGE, UPDATE_REFUSED: it is no first root
 */
export async function fetchFirstRoot({ url, version = 1, ca }: RootPlace, signal?: AbortSignal): Promise<FirstRoot> {
  const http = new HttpClient({ quotaBytes: MOST_BYTES, answerMs: 15_000, ...(ca === undefined ? {} : { ca }) });
  const address = new URL(`metadata/${version}.root.json`, url.endsWith('/') ? url : `${url}/`).href;
  try {
    const { body } = await http.open(address, { maxBytes: MOST_BYTES, ...(signal && { signal }) });
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    return rootOf(Buffer.concat(chunks), address);
  } finally {
    await http.close();
  }
}

/** @throws {WaysideError} UPDATE_REFUSED */
export function rootOf(bytes: Buffer, where: string): FirstRoot {
  let data: unknown;
  try {
    data = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw noRoot(`${where}: not JSON: ${messageOf(cause).slice(0, 100)}`);
  }
  const root = rootSchema.safeParse(data);
  if (!root.success) throw noRoot(`${where}: expected the root of an update repository, found another document`);
  return { bytes, digest: digestOf(bytes), expires: root.data.signed.expires };
}

const noRoot = (message: string): WaysideError =>
  new WaysideError('UPDATE_REFUSED', {
    message,
    hint: 'the address is that of the folder with `metadata/` and `targets/`',
  });

/**
 * @param expected as a person or a file gave it
 * @throws {WaysideError} UPDATE_REFUSED
 */
export function requireFingerprint({ digest }: FirstRoot, expected: Digest, where: string): void {
  if (digest === expected) return;
  throw new WaysideError('UPDATE_REFUSED', {
    message: `${where}: the first root has the fingerprint ${digest}, expected ${expected}`,
    hint: 'ask the office again; if it says the one that was expected, somebody on the way answers in its place',
  });
}
