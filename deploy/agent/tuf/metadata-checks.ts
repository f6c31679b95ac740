import { z } from 'zod';
import { WaysideError } from '../../../core/errors.ts';

/**
 * What tuf-js 5.0.1 takes without a look, checked before it sees the bytes: expiry dates that cannot be read (its comparison
 * with NaN is false, and so they never expire), one role delegated to twice in a list (the second replaced the first), versions
 * that are no whole numbers (the floors could not be read again), digests that are none (they become names of files). 6.0.2
 * refuses the first two as well.
 */

/** TUF 1.0.34, 4.2: ISO 8601 in UTC, no fractions. */
const EXPIRES = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;

const threshold = z.int().min(1);
const version = z.int().min(1);
const length = z.int().min(0);
const hashes = z
  .record(z.string(), z.string().regex(/^(?:[0-9a-f]{2}){1,64}$/i, 'is no digest'))
  .refine((digests) => Object.keys(digests).length > 0, 'names no digest');
const meta = z.record(z.string(), z.looseObject({ version, length: length.optional(), hashes: hashes.optional() }));

/** What documents of one kind have to say, by their kind. */
const BODIES: Readonly<Record<string, z.ZodType>> = {
  timestamp: z.looseObject({ meta }),
  snapshot: z.looseObject({ meta }),
  targets: z.looseObject({ targets: z.record(z.string(), z.looseObject({ length, hashes })).optional() }),
};

/** Of a file, in bytes; `.json` and what a temporary file adds come on top. */
const LONGEST_NAME = 200;

const signed = z.looseObject({
  version,
  expires: z.string().refine((text) => EXPIRES.test(text) && !Number.isNaN(Date.parse(text)), 'is no date in UTC'),
  roles: z.record(z.string(), z.looseObject({ threshold })).optional(),
  delegations: z.looseObject({ roles: z.array(z.looseObject({ name: z.string(), threshold })).optional() }).optional(),
});

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
  const { delegations, ...rest } = checked(name, z.looseObject({ signed }), document).signed;
  const body = BODIES[String(rest['_type'])];
  if (body !== undefined) checked(name, body, rest);
  const names = (delegations?.roles ?? []).map((role) => role.name);
  const twice = names.find((role, at) => names.indexOf(role) !== at);
  if (twice !== undefined) throw refused(name, `delegates to "${twice}" twice`);
  // tuf-js keeps roles as properties of an object that has these already.
  const taken = names.find((role) => role in {});
  if (taken !== undefined) throw refused(name, `delegates to a role of the name "${taken}"`);
  const unfit = names.find((role) => /\p{Surrogate}/u.test(role) || encodeURIComponent(role).length > LONGEST_NAME);
  if (unfit !== undefined)
    throw refused(name, `delegates to a role of a name that no file can have: ${unfit.slice(0, 20)}...`);
}

function checked<T>(name: string, schema: z.ZodType<T>, document: unknown): T {
  const parsed = schema.safeParse(document);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw refused(name, `${issue?.path.join('.') ?? 'the document'}: ${issue?.message ?? 'is malformed'}`);
}
