import { join, resolve } from 'node:path';
import type { BrokerProbe } from '../../contract/mqtt/probe.ts';
import { WaysideError } from '../../core/errors.ts';
import { readNamedFile, writeFileAtomic } from '../../core/files.ts';
import type { Digest } from '../../core/hash.ts';
import type { PublicIdentity } from '../../core/identity/key.ts';
import type { CameraFacts } from '../../daemon/camera/probe.ts';
import { checkDaemon } from '../../daemon/check/check.ts';
import { Prober } from '../../daemon/probe/prober.ts';
import { checkAgent } from '../../deploy/agent/config/check.ts';
import type { FirstRoot } from '../../deploy/agent/first-root.ts';
import { type Answers, completeAnswers, type Draft, readAnswers } from './answers.ts';
import { agentDocument, answersDocument, type ConfigurationFile, daemonDocument, filesBeside } from './documents.ts';
import { type BoxFlags, readDescriptors, withFlags } from './flags.ts';
import type { Interview } from './interview.ts';
import { missingFrom, requireComplete } from './missing.ts';
import {
  existingConfiguration,
  FOLDER,
  identityFor,
  place,
  requireNone,
  requireWritable,
  type Target,
  targetBelow,
} from './place.ts';
import { readSecretsOf, Secrets } from './secrets.ts';
import { Verifier } from './verify.ts';

export interface InitOptions extends BoxFlags {
  readonly answers?: string;
  readonly writeAnswers?: string;
  readonly root: string;
  readonly force?: true;
  /** False: nothing is asked of broker and cameras. */
  readonly probe: boolean;
}

interface Surroundings {
  readonly signal: AbortSignal;
  /** Says what is being done. */
  readonly tell: (text: string) => void;
  /** Asks a person for what is missing; absent where there is none. */
  readonly interview?: Interview;
  /** ms since the epoch. */
  readonly now?: number;
}

/** What was found out about the parts of a box; null where it was not asked. */
interface Findings {
  readonly broker: BrokerProbe | null;
  readonly agent: BrokerProbe | null;
  readonly cameras: readonly { readonly id: string; readonly facts: CameraFacts | null }[];
  readonly root: FirstRoot | null;
}

export interface Initialized {
  readonly site: string;
  readonly box: string;
  readonly folder: string;
  readonly files: readonly string[];
  readonly backup: string | null;
  readonly identity: PublicIdentity & { readonly made: boolean };
  readonly root: Digest | null;
  readonly found: Findings;
  /** Whom probes ran as; null: whoever ran the command. */
  readonly probedAs: string | null;
  readonly notes: readonly string[];
}

/**
 * Configures a box: gathers answers, sees for itself what they name, and writes a configuration that the checks of daemon and agent accept.
 * Where anything is wrong, nothing is written.
 *
 * @throws {WaysideError} USAGE, ANSWERS_INVALID, OUTPUT_EXISTS, SECRET_UNREADABLE, BROKER_UNAVAILABLE, BROKER_REFUSED, CAMERA_...,
 * UPDATE_REFUSED, KEY_INVALID, SIGNATURE_MISSING, SIGNATURE_INVALID, CONFIG_INVALID, FILE_WRITE_FAILED
 */
export async function initialize(options: InitOptions, surroundings: Surroundings): Promise<Initialized> {
  const { signal, tell, interview, now = Date.now() } = surroundings;
  const target = targetBelow(resolve(options.root));
  const existing = await existingConfiguration(target);
  if (existing.length > 0 && !options.force) {
    throw new WaysideError('OUTPUT_EXISTS', {
      message: `there is a configuration already: ${existing.join(', ')}`,
      hint: 'edit it, or replace it with --force, which keeps a copy of what is there',
    });
  }
  await requireWritable(target);
  const secrets = new Secrets();
  const prober = await Prober.create();
  const verifier = new Verifier(prober, secrets, signal);
  const given = withFlags(options.answers === undefined ? {} : await readAnswers(options.answers), options);
  await readDescriptors(options, secrets);
  await readSecretsOf(given, secrets);
  const draft = await completed(given, secrets, verifier, surroundings);
  requireComplete(draft, secrets);
  const answers = completeAnswers(draft);
  const known = interview?.findings ?? { cameras: new Map<string, CameraFacts>() };
  const found = await examined(answers, verifier, { probe: options.probe, tell, known });
  signal.throwIfAborted();
  const { files, identity, made } = await identityFor(target);
  const all = [...files, ...(await documentsOf(answers, secrets, found.root))];
  const check = (stage: string): Promise<readonly string[]> => checked(stage, answers, target);
  const { notes, backup } = await place(target, all, { check, inFiles: answers.secrets === 'files', now });
  if (options.writeAnswers !== undefined)
    await writeFileAtomic(options.writeAnswers, answersDocument(answers, target.folder), 0o600);
  return {
    site: answers.site,
    box: answers.box,
    folder: target.folder,
    files: all.map(({ path }) => join(target.folder, path)),
    backup: backup ?? null,
    identity: { ...identity, made },
    root: found.root?.digest ?? null,
    found,
    probedAs: prober.user?.name ?? null,
    notes: [...notes, ...(options.probe ? prober.remarks : [])],
  };
}

async function completed(
  given: Draft,
  secrets: Secrets,
  verifier: Verifier,
  { interview }: Surroundings,
): Promise<Draft> {
  if (interview === undefined || missingFrom(given, secrets).length === 0) return given;
  return await interview.complete(given, secrets, verifier);
}

async function examined(
  answers: Answers,
  verifier: Verifier,
  { probe, tell, known }: { probe: boolean; tell: (text: string) => void; known: Interview['findings'] },
): Promise<Findings> {
  const { broker, cameras, repository } = answers;
  const telling = async <T>(what: string, act: () => Promise<T>): Promise<T> => {
    tell(what);
    return await act();
  };
  const ofBroker = probe
    ? (known.broker ?? (await telling(`asking the broker ${broker.url}`, () => verifier.broker(answers))))
    : null;
  const facts: { id: string; facts: CameraFacts | null }[] = [];
  for (const camera of cameras) {
    const seen = known.cameras.get(camera.id);
    const asked = probe && seen === undefined;
    const now = asked ? await telling(`looking at camera ${camera.id}`, () => verifier.camera(camera)) : null;
    facts.push({ id: camera.id, facts: seen ?? now });
  }
  if (repository === undefined) return { broker: ofBroker, agent: null, cameras: facts, root: null };
  const root =
    known.root ?? (await telling(`reading the first root of ${repository.url}`, () => verifier.root(repository)));
  const agent = probe && answers.agent !== undefined ? await verifier.agent(answers) : null;
  return { broker: ofBroker, agent, cameras: facts, root };
}

async function documentsOf(answers: Answers, secrets: Secrets, root: FirstRoot | null): Promise<ConfigurationFile[]> {
  const agent = agentDocument(answers);
  return [
    ...(await filesBeside(answers, secrets, readNamedFile)),
    ...(root === null ? [] : [{ path: 'root.json', content: root.bytes }]),
    ...(agent === undefined ? [] : [{ path: 'agent.yaml', content: agent }]),
    { path: 'wayside.yaml', content: daemonDocument(answers) },
  ];
}

/** What `wayside daemon --check` and `wayside agent --check` would say of it in place. */
async function checked(stage: string, answers: Answers, { root }: Target): Promise<readonly string[]> {
  const here = root === '/';
  const placed = (path: string): string =>
    path.startsWith(`${FOLDER}/`) ? join(stage, path.slice(FOLDER.length)) : join(root, path);
  const daemon = await checkDaemon(join(stage, 'wayside.yaml'), { placed, ownModels: here });
  const agent =
    answers.repository === undefined
      ? { problems: [], notes: [] }
      : await checkAgent(join(stage, 'agent.yaml'), { placed });
  // The decoder of an image is not the one of the machine that builds it.
  const elsewhere = daemon.problems.filter(({ code }) => !here && code === 'DECODER_UNAVAILABLE');
  requireNone([...daemon.problems.filter((problem) => !elsewhere.includes(problem)), ...agent.problems]);
  return [...daemon.notes, ...elsewhere.map(({ message }) => message), ...agent.notes];
}
