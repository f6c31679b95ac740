import { createHash } from 'node:crypto';
import { z } from 'zod';
import { SIGNATURE } from '../../inference/read-package.ts';

/** OpenSSF Model Signing v1.0: a Sigstore bundle around a DSSE envelope around an in-toto statement. */
export const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
export const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
const PREDICATE_TYPE = 'https://model_signing/signature/v1.0';

const Base64 = z.string().regex(/^[A-Za-z0-9+/]+={0,2}$/);
const Hex = z.string().regex(/^[0-9a-f]+$/);

/** `model.sig` by the method `key`. Older writers put the key itself in `rawBytes`; `keyid` may be anything. */
export const SignatureBundle = z.strictObject({
  mediaType: z.string().startsWith('application/vnd.dev.sigstore.bundle'),
  verificationMaterial: z.looseObject({
    publicKey: z.looseObject({ hint: z.string().nullish(), rawBytes: z.string().nullish() }),
  }),
  dsseEnvelope: z.strictObject({
    payload: Base64,
    payloadType: z.literal(PAYLOAD_TYPE),
    signatures: z.array(z.strictObject({ sig: Base64, keyid: z.string().nullish() })).min(1),
  }),
});
export type SignatureBundle = z.infer<typeof SignatureBundle>;

const Resource = z.looseObject({ name: z.string().min(1), digest: Hex, algorithm: z.string() });
type Resource = z.infer<typeof Resource>;

export const Statement = z.strictObject({
  _type: z.literal(STATEMENT_TYPE),
  subject: z.tuple([z.looseObject({ name: z.string().min(1), digest: z.looseObject({ sha256: Hex }) })]),
  predicateType: z.literal(PREDICATE_TYPE),
  predicate: z.looseObject({
    resources: z.array(Resource),
    serialization: z.looseObject({ method: z.string(), hash_type: z.string(), allow_symlinks: z.boolean() }),
  }),
});
export type Statement = z.infer<typeof Statement>;

/** Digest over the digests of the files, in the order in which they are listed. */
export function rootDigest(resources: readonly Pick<Resource, 'digest'>[]): string {
  const hash = createHash('sha256');
  for (const { digest } of resources) hash.update(Buffer.from(digest, 'hex'));
  return hash.digest('hex');
}

/** What is signed of a package: every file but the signature. @param files SHA-256 by name, hexadecimal */
export function statementOf(name: string, files: ReadonlyMap<string, string>): Statement {
  const resources = [...files]
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))) // of UTF-8, and so of code points
    .map(([file, digest]) => ({ name: file, digest, algorithm: 'sha256' }));
  return {
    _type: STATEMENT_TYPE,
    subject: [{ name, digest: { sha256: rootDigest(resources) } }],
    predicateType: PREDICATE_TYPE,
    predicate: {
      resources,
      serialization: { method: 'files', hash_type: 'sha256', allow_symlinks: false, ignore_paths: [SIGNATURE] },
    },
  };
}

/** What the key really signs (DSSE v1, pre-authentication encoding). */
export const preAuthenticated = (payload: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `), payload]);
