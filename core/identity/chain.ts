import { verify } from 'node:crypto';
import { z } from 'zod';
import { messageOf, WaysideError } from '../errors.ts';
import { type Identity, type PublicIdentity, publicIdentityOf, publicKeyOf } from './key.ts';

/** More rotations than a box sees in its life; a hostile file is refused before its signatures are verified. */
const MOST_LINKS = 256;

export const linkSchema = z.strictObject({
  publicKey: z.string().max(200).meta({ description: 'the key that followed: SubjectPublicKeyInfo in base64' }),
  at: z.iso.datetime({ precision: 3 }).meta({ description: 'when, by the clock of the box' }),
  signature: z.string().max(200).meta({ description: 'Ed25519, by the key before, in base64' }),
});

const chainSchema = z.strictObject({
  format: z.literal(1),
  /** The first key of the box. */
  first: z.string().max(200),
  links: z.array(linkSchema).max(MOST_LINKS),
});

/** Every key that a box has had, each signed by the one before: whoever knew one knows the newest. Nothing of it is secret. */
export type IdentityChain = z.infer<typeof chainSchema>;

export const newChain = ({ publicKey }: Pick<Identity, 'publicKey'>): IdentityChain => ({
  format: 1,
  first: publicKey.spki,
  links: [],
});

/** What the key before signs. The words in front keep a signature from meaning anything else. */
const statement = (before: string, after: string, at: string): Buffer =>
  Buffer.from(`wayside identity rotation 1\n${before}\n${after}\n${at}\n`);

/** @param now ms since the epoch */
export function extended(chain: IdentityChain, before: Identity, after: PublicIdentity, now: number): IdentityChain {
  const at = new Date(now).toISOString();
  const signature = before.sign(statement(before.publicKey.spki, after.spki, at)).toString('base64');
  return { ...chain, links: [...chain.links, { publicKey: after.spki, at, signature }] };
}

/**
 * Verifies every link.
 *
 * @returns the newest key
 * @throws {WaysideError} IDENTITY_INVALID
 */
export function newestOf({ first, links }: IdentityChain, where: string): PublicIdentity {
  let before = publicIdentityOf(first, where);
  for (const [index, { publicKey, at, signature }] of links.entries()) {
    const after = publicIdentityOf(publicKey, `${where}: links[${index}]`);
    const bytes = statement(before.spki, publicKey, at);
    if (!verify(null, bytes, publicKeyOf(before.spki, where), Buffer.from(signature, 'base64')))
      throw invalid(`${where}: links[${index}]: the key before (${before.thumbprint}) did not sign it`);
    before = after;
  }
  return before;
}

/** @throws {WaysideError} IDENTITY_INVALID: no chain, or one whose signatures do not hold */
export function readChain(bytes: Buffer, where: string): IdentityChain {
  let data: unknown;
  try {
    data = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw invalid(`${where}: not JSON: ${messageOf(cause)}`);
  }
  const chain = chainSchema.safeParse(data);
  if (!chain.success) throw invalid(`${where}: expected the keys of a box, found another document`);
  newestOf(chain.data, where);
  return chain.data;
}

const invalid = (message: string): WaysideError => new WaysideError('IDENTITY_INVALID', { message });
