import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { examineConfig } from '../../core/config/examine.ts';
import { address, id, integerWithin, path, within } from '../../core/config/fields.ts';
import { Exit, SeveralErrors, WaysideError } from '../../core/errors.ts';
import { readNamedFile } from '../../core/files.ts';
import { modelKeys } from '../../daemon/config/schema.ts';
import { fingerprintOf } from '../../deploy/agent/first-root.ts';

/** No password is ever a value here: each is the content of a file, which may lie elsewhere for every box. */
const credentials = { username: z.string().min(1).optional(), passwordFile: path.optional() };
const ownCertificate = { cert: path.optional(), key: path.optional() };

const fingerprint = z.string().refine((text) => fingerprintOf(text) !== undefined, {
  error: 'the SHA-256 of the first root: 64 hexadecimal digits',
});
const webAddress = address(['https', 'http']);
const timeOfDay = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, { error: 'a time in UTC such as 01:30, in quotes' });

const cameraAnswers = z.strictObject({
  id,
  url: address(['rtsp', 'rtsps']),
  ...credentials,
  rate: within(0.05, 60).optional(),
  transport: z.enum(['tcp', 'udp', 'auto']).optional(),
  ca: path.optional(),
  insecure: z.boolean().optional(),
});

export const answersSchema = z.strictObject({
  site: id,
  box: id,
  broker: z.strictObject({
    url: address(['mqtt', 'mqtts']),
    ...credentials,
    ca: path.optional(),
    ...ownCertificate,
  }),
  /** Without it, the store of the box and the model that came with the software. */
  model: z.strictObject({ name: z.string().optional(), package: path.optional(), keys: modelKeys }).optional(),
  cameras: z.array(cameraAnswers).min(1, { error: 'at least one camera' }).max(64),
  /** Where the box fetches models; without it the agent goes on waiting. */
  repository: z
    .strictObject({
      url: webAddress,
      fingerprint,
      version: integerWithin(1, 1_000_000).optional(),
      /** A copy of the first root, where it is not to be fetched. */
      root: path.optional(),
      ca: path.optional(),
      follow: z.boolean().optional(),
    })
    .optional(),
  /** Of the agent at the broker; without it, as the daemon. */
  agent: z.strictObject({ ...credentials, ...ownCertificate }).optional(),
  groups: z.array(id).max(32).optional(),
  tags: z.array(id).max(32).optional(),
  windows: z
    .array(z.strictObject({ from: timeOfDay, to: timeOfDay }))
    .max(16)
    .optional(),
  /** `files`: beside the configuration, for a systemd before 250 or none: of the users of the services alone. */
  secrets: z.enum(['systemd', 'files']).optional(),
});
export type Answers = z.infer<typeof answersSchema>;
export type CameraAnswers = Answers['cameras'][number];

type Loose<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** What is known so far. */
export type Draft = Loose<Omit<Answers, 'broker' | 'repository'>> & {
  readonly broker?: Loose<Answers['broker']> | undefined;
  readonly repository?: Loose<NonNullable<Answers['repository']>> | undefined;
};

/**
 * Reads a file of answers. Files that it names are looked for beside it.
 *
 * @throws {WaysideError} FILE_NOT_FOUND, ANSWERS_INVALID
 */
export async function readAnswers(file: string): Promise<Draft> {
  const text = (await readNamedFile(file)).toString('utf8');
  // Options of the command may add what the file leaves out.
  const { config, problems } = examineConfig(text, file, answersSchema.partial());
  if (config === undefined) throw invalid(problems);
  const folder = dirname(resolve(file));
  return withPaths(config, (path) => resolve(folder, path));
}

/** @throws {WaysideError} ANSWERS_INVALID */
export function completeAnswers(draft: Draft): Answers {
  const { config, problems } = examineConfig(JSON.stringify(draft), 'answers', answersSchema);
  if (config !== undefined) return config;
  // There is no file, and so no line of it.
  throw invalid(problems.map(({ message, hint }) => ({ message: message.replace(/^answers:\d+:\d+: /, ''), hint })));
}

function invalid(problems: readonly { readonly message: string; readonly hint?: string | undefined }[]): WaysideError {
  const errors = problems.map(
    ({ message, hint }) => new WaysideError('ANSWERS_INVALID', { message, ...(hint === undefined ? {} : { hint }) }),
  );
  return new SeveralErrors(errors, Exit.data);
}

const FILES = ['passwordFile', 'ca', 'cert', 'key', 'keys', 'root', 'package'];

/** The same answers, every file in them by another path. */
function withPaths<T>(value: T, change: (path: string) => string): T {
  if (Array.isArray(value)) return value.map((each: unknown) => withPaths(each, change)) as T;
  if (typeof value !== 'object' || value === null) return value;
  const named = (each: unknown): unknown =>
    typeof each === 'string' ? change(each) : Array.isArray(each) ? each.map(named) : each;
  const changed = Object.entries(value).map(([key, each]: [string, unknown]) => [
    key,
    FILES.includes(key) ? named(each) : withPaths(each, change),
  ]);
  return Object.fromEntries(changed) as T;
}

/** Whether a value would be refused, and how, by the schema of the answers. */
export const problemWith =
  (part: { safeParse: (value: unknown) => { error?: { issues: readonly { message: string }[] } } }) =>
  (text: string): string | undefined => {
    const issue = part.safeParse(text).error?.issues[0];
    return issue === undefined ? undefined : `expected ${issue.message}`;
  };
