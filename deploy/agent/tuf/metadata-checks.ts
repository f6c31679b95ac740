import { createPublicKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { WaysideError } from '../../../core/errors.ts';

/**
 * What tuf-js 5.0.1 takes without a look, checked before it sees the bytes: expiry dates that cannot be read (its comparison
 * with NaN is false, and so they never expire), one role delegated to twice in a list (the second replaced the first), keys
 * that are not of the kind they are declared as (6.0.2 refuses the same), versions that are no whole numbers.
 */

/** TUF 1.0.34, 4.2: ISO 8601 in UTC, no fractions. */
const EXPIRES = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;

const key = z.looseObject({ keytype: z.string(), scheme: z.string(), keyval: z.record(z.string(), z.string()) });
const keys = z.record(z.string(), key);
const threshold = z.int().min(1);

const signed = z.looseObject({
  version: z.int().min(1),
  expires: z.string().refine((text) => EXPIRES.test(text) && !Number.isNaN(Date.parse(text)), 'is no date in UTC'),
  keys: keys.optional(),
  roles: z.record(z.string(), z.looseObject({ threshold })).optional(),
  delegations: z
    .looseObject({ keys, roles: z.array(z.looseObject({ name: z.string(), threshold })).optional() })
    .optional(),
});

/** Named curve or kind that a key of this type and scheme must be; undefined for those that nobody here can verify. */
function kindOf({ keytype, scheme }: z.infer<typeof key>): string | undefined {
  if (keytype === 'rsa' || keytype === 'ed25519') return keytype;
  if (!keytype.startsWith('ecdsa')) return undefined;
  if (scheme === 'ecdsa-sha2-nistp256') return 'prime256v1';
  return scheme === 'ecdsa-sha2-nistp384' ? 'secp384r1' : undefined;
}

/** Keys in hexadecimal have no kind of their own: they are read as the one that is declared. */
function readPem(pem: string | undefined): KeyObject | undefined {
  if (pem?.startsWith('-----BEGIN PUBLIC KEY-----') !== true) return undefined;
  try {
    return createPublicKey(pem);
  } catch {
    return undefined; // verifies nothing
  }
}

function wrongKey(found: z.infer<typeof key>): string | undefined {
  const expected = kindOf(found);
  const { keytype, scheme } = found;
  if (keytype.startsWith('ecdsa-') && keytype !== scheme) return `is of type ${keytype} and of scheme ${scheme}`;
  const pem = readPem(found.keyval['public']);
  if (expected === undefined || pem === undefined) return undefined;
  const real = pem.asymmetricKeyDetails?.namedCurve ?? pem.asymmetricKeyType;
  return real === expected ? undefined : `is declared as ${scheme} and is a key of ${real}`;
}

const refused = (name: string, fact: string): WaysideError =>
  new WaysideError('UPDATE_REFUSED', { message: `${name}: ${fact}` });

/**
 * @param name of the file, for messages
 * @throws {WaysideError} UPDATE_REFUSED
 */
export function checkMetadata(name: string, bytes: Uint8Array): void {
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw refused(name, 'is no JSON document');
  }
  const parsed = z.looseObject({ signed }).safeParse(document);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refused(name, `${issue?.path.join('.') ?? 'the document'}: ${issue?.message ?? 'is malformed'}`);
  }
  const { keys: own = {}, delegations } = parsed.data.signed;
  for (const [id, each] of [...Object.entries(own), ...Object.entries(delegations?.keys ?? {})]) {
    const wrong = wrongKey(each);
    if (wrong !== undefined) throw refused(name, `key ${id} ${wrong}`);
  }
  const names = (delegations?.roles ?? []).map((role) => role.name);
  const twice = names.find((role, at) => names.indexOf(role) !== at);
  if (twice !== undefined) throw refused(name, `delegates to "${twice}" twice`);
  // tuf-js keeps roles as properties of an object that has these already.
  const taken = names.find((role) => role in {});
  if (taken !== undefined) throw refused(name, `delegates to a role of the name "${taken}"`);
}
