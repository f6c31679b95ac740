import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Metadata, TargetFile, Targets } from '@tufjs/models';
import { messageOf, WaysideError } from '../../core/errors.ts';
import { diskFiles } from '../../core/file-system.ts';
import { type TargetCustom, targetCustomSchema, targetPathOf } from '../target.ts';
import { delegatesOf } from '../tuf-models.ts';
import { copyFile } from './copy.ts';
import { type Published, readPublished, readStaged, type Staged, stage } from './documents.ts';
import { checkThreshold, type RoleKeys, SPEC_VERSION } from './init.ts';
import { tufKey } from './keys/public-key.ts';
import { expiresAfter, invalid, layoutOf, ROLE_NAME, readSettings, TOP_ROLES } from './layout.ts';
import { upcoming } from './requirements.ts';

/**
 * The role as it will be published, ready to be changed: one version above the published one, however often it is staged.
 *
 * @throws {WaysideError} REPOSITORY_INVALID for a role that nobody delegates to
 */
export async function draftOf(
  folder: string,
  role: string,
  { published, staged, now }: { readonly published: Published; readonly staged: Staged; readonly now: number },
): Promise<Targets> {
  const before = published.targets.get(role);
  const current = staged.targets.get(role) ?? before;
  if (current === undefined) throw invalid(`there is no role "${role}"`);
  const { days } = await readSettings(folder);
  const { targets, delegations } = Targets.fromJSON(current.signed.toJSON());
  return new Targets({
    version: (before?.signed.version ?? 0) + 1,
    specVersion: SPEC_VERSION,
    expires: expiresAfter(days.targets, now),
    targets,
    ...(delegations && { delegations }),
  });
}

export interface AddOptions {
  readonly file: string;
  readonly custom: TargetCustom;
  /** @default `NAME/VERSION.bundle` */
  readonly path?: string;
  /** @default the first delegated role that may sign for the path, else `targets` */
  readonly role?: string;
  readonly now?: number;
}

interface Added {
  readonly path: string;
  readonly role: string;
  readonly length: number;
  readonly sha256: string;
}

/**
 * Stages a file as a target. Signatures of the role that were made before no longer count: they are of other content.
 *
 * @throws {WaysideError} REPOSITORY_INVALID, FILE_NOT_FOUND, USAGE, FILE_WRITE_FAILED
 */
export async function addTarget(folder: string, options: AddOptions): Promise<Added> {
  const parsed = targetCustomSchema.safeParse(options.custom);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new WaysideError('USAGE', { message: `${issue?.path.join('.')} of the target: ${issue?.message}` });
  }
  const custom = parsed.data;
  const { file, path = targetPathOf(custom), now = Date.now() } = options;
  if (!/^[^/\\]+(\/[^/\\]+)*$/.test(path) || path.split('/').some((part) => part === '.' || part === '..')) {
    throw new WaysideError('USAGE', {
      message: `"${path}" is no path of a target: parts joined by /, such as vehicles/2`,
    });
  }
  const published = await readPublished(folder);
  const staged = await readStaged(folder);
  const role = options.role ?? roleFor(path, published, staged);
  const draft = await draftOf(folder, role, { published, staged, now });
  const { length, sha256 } = await digestOfTarget(file);
  const target = new TargetFile({
    path,
    length,
    hashes: { sha256 },
    unrecognizedFields: { custom: customJson(custom) },
  });
  draft.addTarget(target);
  const at = path.lastIndexOf('/') + 1;
  await copyFile(file, join(layoutOf(folder).stagedTargets, path.slice(0, at), `${sha256}.${path.slice(at)}`));
  await stage(folder, role, new Metadata(draft));
  return { path, role, length, sha256 };
}

/** What is not said is left out. */
const customJson = (custom: TargetCustom) =>
  Object.fromEntries(Object.entries(custom).filter((entry) => entry[1] !== undefined)) as Record<string, never>;

/** Withdraws a target: boxes that have it keep it, none fetches it any more. @throws {WaysideError} TARGET_UNKNOWN */
export async function removeTarget(folder: string, path: string, now = Date.now()): Promise<string> {
  const published = await readPublished(folder);
  const staged = await readStaged(folder);
  const roles = new Map([...published.targets, ...staged.targets]);
  const [role] = [...roles].find(([, { signed }]) => signed.targets[path] !== undefined) ?? [];
  if (role === undefined) throw new WaysideError('TARGET_UNKNOWN', { message: `there is no target "${path}"` });
  const draft = await draftOf(folder, role, { published, staged, now });
  delete draft.targets[path];
  await stage(folder, role, new Metadata(draft));
  return role;
}

function roleFor(path: string, published: Published, staged: Staged): string {
  const { delegations } = upcoming(published, staged).targets.signed;
  const [first] = delegations?.rolesForTarget(path) ?? [];
  return first?.role ?? 'targets';
}

async function digestOfTarget(path: string): Promise<{ readonly length: number; readonly sha256: string }> {
  try {
    if (!(await stat(path)).isFile()) throw new Error('it is no file');
    const hash = createHash('sha256');
    let length = 0;
    for await (const chunk of diskFiles.stream(path)) {
      hash.update(chunk);
      length += chunk.length;
    }
    return { length, sha256: hash.digest('hex') };
  } catch (cause) {
    throw new WaysideError('FILE_NOT_FOUND', { message: `cannot read ${path}: ${messageOf(cause)}`, cause });
  }
}

export interface DelegateOptions extends RoleKeys {
  readonly role: string;
  /** Patterns of the targets that it may sign for; `*` stands for anything but a slash. */
  readonly paths: readonly string[];
  readonly now?: number;
}

/**
 * Lets a role sign for some paths, such as a family of models or a site. Nobody else's word on them is asked for after its own.
 *
 * @throws {WaysideError} REPOSITORY_INVALID, USAGE
 */
export async function delegate(folder: string, options: DelegateOptions): Promise<void> {
  const { role, keys, threshold, paths, now = Date.now() } = options;
  if (!ROLE_NAME.test(role) || TOP_ROLES.some((name) => name === role)) {
    throw new WaysideError('USAGE', { message: `"${role}" cannot be the name of a delegated role` });
  }
  const published = await readPublished(folder);
  const staged = await readStaged(folder);
  const draft = await draftOf(folder, 'targets', { published, staged, now });
  const known = [...published.targets.keys(), ...staged.targets.keys()];
  if (known.includes(role)) {
    throw new WaysideError('OUTPUT_EXISTS', {
      message: `the role "${role}" is there already`,
      hint: 'change its keys with `wayside repo rotate`',
    });
  }
  const tufKeys = keys.map(tufKey);
  const keyids = [...new Set(tufKeys.map(({ keyID }) => keyID))];
  checkThreshold(role, threshold, keyids.length);
  const before = draft.delegations;
  const delegations = {
    keys: Object.fromEntries(
      [...Object.values(before?.keys ?? {}), ...tufKeys].map((key) => [key.keyID, key.toJSON()]),
    ),
    roles: [
      ...(before === undefined ? [] : delegatesOf(before)).map((each) => each.toJSON()),
      { name: role, keyids, threshold, terminating: true, paths: [...paths] },
    ],
  };
  const { days } = await readSettings(folder);
  const signed = Targets.fromJSON({ ...draft.toJSON(), delegations });
  await stage(folder, 'targets', new Metadata(signed));
  const expires = expiresAfter(days.targets, now);
  await stage(folder, role, new Metadata(new Targets({ version: 1, specVersion: SPEC_VERSION, expires, targets: {} })));
}
