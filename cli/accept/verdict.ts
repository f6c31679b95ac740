import { verify } from 'node:crypto';
import { z } from 'zod';
import { WaysideError } from '../../core/errors.ts';
import { type Identity, publicKeyOf } from '../../core/identity/key.ts';

const share = z.number().nullable();
const interval = z
  .strictObject({ low: z.number(), high: z.number() })
  .nullable()
  .meta({ description: '95%; null where nothing was judged' });
const light = z.enum(['day', 'dusk', 'night']);
const weather = z.enum(['clear', 'rain', 'heavy-rain', 'fog', 'snow']);
export const conditionsSchema = {
  light: light.nullable().meta({ description: 'as the hand count says; null where it does not' }),
  weather: weather.nullable(),
};

const numbers = {
  truth: z.int().meta({ description: 'crossings by hand, contested ones apart' }),
  missed: z.int(),
  false: z.int().meta({ description: 'counted, and neither by hand nor contested' }),
  wrongClass: z.int().meta({ description: 'found, in another class than by hand' }),
};

const passing = z.strictObject({
  line: z.string(),
  direction: z.string(),
  class: z.string(),
  time: z.number().nullable().meta({ description: 's since the first frame' }),
});

const stepSchema = z.strictObject({
  name: z.string(),
  title: z.string(),
  asked: z.string(),
  seen: z.string(),
  status: z
    .enum(['passed', 'failed', 'not-judged', 'not-reached'])
    .meta({ description: 'not-judged: no clip shows it; not-reached: a step before it failed' }),
  truth: z.int().meta({ description: 'crossings by hand that it is judged by' }),
  error: share,
  interval,
  method: z.enum(['wilson', 'exact']).nullable().meta({ description: 'of the interval' }),
  limit: z.number(),
  certain: z.boolean().nullable().meta({ description: 'the whole interval is within the limit' }),
});
export type Step = z.infer<typeof stepSchema>;

const clipSchema = z.strictObject({
  name: z.string(),
  video: z.string().meta({ description: 'digest' }),
  handCount: z.string().meta({ description: 'digest' }),
  ...conditionsSchema,
  window: z
    .string()
    .nullable()
    .meta({ description: 'the same for clips of several devices that saw the same traffic' }),
  seconds: z.number(),
  frames: z.int(),
  ...numbers,
  contested: z.int(),
  counted: z.int(),
  missedCrossings: z.array(passing),
  falseCrossings: z.array(passing),
  warnings: z.array(z.string()),
});

export const verdictSchema = z
  .strictObject({
    schema: z.literal('wayside/acceptance/1'),
    startedAt: z.iso.datetime(),
    endedAt: z.iso.datetime(),
    wayside: z.string().meta({ description: 'version of the software' }),
    verdict: z.enum(['accepted', 'refused']),
    because: z.string(),
    model: z.strictObject({ name: z.string(), version: z.string().nullable(), digest: z.string() }),
    rate: z.number().meta({ description: 'frames a second that were looked at; 0: all' }),
    classes: z.array(z.string()),
    limit: z.number().meta({ description: 'largest error, as a share of the hand count' }),
    certainty: z.boolean().meta({ description: 'whether whole intervals had to be within the limit' }),
    steps: z.array(stepSchema),
    conditions: z.array(z.strictObject({ ...conditionsSchema, ...numbers, error: share, interval })),
    accuracy: z.strictObject({
      sample: share.meta({ description: 'mean over clips of 1 - |counted - by hand| / by hand' }),
      trafficWeighted: share.meta({ description: 'by interval, line, direction and class, weighed by traffic' }),
      classes: z.array(z.strictObject({ class: z.string(), ...numbers, sample: share, trafficWeighted: share })),
      scatter: z.array(z.strictObject({ window: z.string(), devices: z.int(), scatter: share })),
    }),
    clips: z.array(clipSchema),
    page: z.strictObject({ file: z.string(), digest: z.string() }),
    key: z.strictObject({ publicKey: z.string(), thumbprint: z.string() }).meta({ description: 'that signed it' }),
  })
  .meta({ title: 'An acceptance', description: 'The verdict of `wayside accept`.' });

export type Verdict = z.infer<typeof verdictSchema>;

interface SignedVerdict {
  /** The bytes that are signed. */
  readonly text: string;
  /** Ed25519 in base64. */
  readonly signature: string;
}

/** `openssl pkeyutl -verify -rawin` checks it too. */
export function signedVerdict(verdict: Verdict, identity: Identity): SignedVerdict {
  const text = `${JSON.stringify(verdictSchema.parse(verdict), null, 2)}\n`;
  return { text, signature: identity.sign(Buffer.from(text)).toString('base64') };
}

const invalid = (message: string, hint?: string): WaysideError =>
  new WaysideError('VERDICT_INVALID', { message, ...(hint === undefined ? {} : { hint }) });

/**
 * Reads a verdict, as it was signed.
 *
 * @param signature what lies beside it
 * @param keys in base64, one of which must have signed it; without them, the key that it names
 * @throws {WaysideError} VERDICT_INVALID
 */
export function verifiedVerdict(
  bytes: Buffer,
  signature: string,
  where: string,
  keys: readonly string[] | undefined,
): Verdict {
  let data: unknown;
  try {
    data = JSON.parse(bytes.toString('utf8'));
  } catch {
    data = undefined;
  }
  const parsed = verdictSchema.safeParse(data);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(`${where}: expected a verdict of \`wayside accept\`: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  const { publicKey, thumbprint } = parsed.data.key;
  if (!verify(null, bytes, publicKeyOf(publicKey, where), Buffer.from(signature, 'base64')))
    throw invalid(`${where}: it is not as ${thumbprint} signed it`, 'ask for it again from where it was made');
  if (keys !== undefined && !keys.includes(publicKey))
    throw invalid(`${where}: signed by ${thumbprint}, and by none of the keys that were named`);
  return parsed.data;
}
