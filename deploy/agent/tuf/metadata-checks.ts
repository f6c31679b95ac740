import { z } from 'zod';
import { WaysideError } from '../../../core/errors.ts';

/**
 * What tuf-js 5.0.1 takes without a look, checked before it sees the bytes: expiry dates that cannot be read (its comparison
 * with NaN is false, and so they never expire), one role delegated to twice in a list (the second replaced the first), versions
 * that are no whole numbers. 6.0.2 refuses the first two as well.
 */

/** TUF 1.0.34, 4.2: ISO 8601 in UTC, no fractions. */
const EXPIRES = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;

const threshold = z.int().min(1);

const signed = z.looseObject({
  version: z.int().min(1),
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
  const parsed = z.looseObject({ signed }).safeParse(document);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refused(name, `${issue?.path.join('.') ?? 'the document'}: ${issue?.message ?? 'is malformed'}`);
  }
  const { delegations } = parsed.data.signed;
  const names = (delegations?.roles ?? []).map((role) => role.name);
  const twice = names.find((role, at) => names.indexOf(role) !== at);
  if (twice !== undefined) throw refused(name, `delegates to "${twice}" twice`);
  // tuf-js keeps roles as properties of an object that has these already.
  const taken = names.find((role) => role in {});
  if (taken !== undefined) throw refused(name, `delegates to a role of the name "${taken}"`);
}
