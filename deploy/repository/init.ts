import { Metadata, Root, Targets } from '@tufjs/models';
import { WaysideError } from '../../core/errors.ts';
import { diskFiles } from '../../core/file-system.ts';
import { stage } from './documents.ts';
import { type PublicKeyDocument, tufKey } from './keys/public-key.ts';
import {
  expiresAfter,
  layoutOf,
  type Settings,
  settingsSchema,
  TOP_ROLES,
  type TopRole,
  writeThere,
} from './layout.ts';

export const SPEC_VERSION = '1.0.34';

export interface RoleKeys {
  readonly keys: readonly PublicKeyDocument[];
  readonly threshold: number;
}

export interface InitOptions {
  readonly roles: Readonly<Record<TopRole, RoleKeys>>;
  readonly days?: Partial<Settings['days']>;
  /** Above that of a repository whose root keys are all lost: boxes take the root that is installed by hand only if it is later. */
  readonly rootVersion?: number;
  readonly now?: number;
}

/** @throws {WaysideError} USAGE for a threshold that its keys cannot reach */
export function checkThreshold(role: string, threshold: number, keys: number): void {
  if (threshold >= 1 && threshold <= keys) return;
  throw new WaysideError('USAGE', {
    message: `${role}: a threshold of ${threshold} cannot be reached with ${keys} ${keys === 1 ? 'key' : 'keys'}`,
  });
}

/**
 * Begins a repository: stages its first root and its empty targets, to be signed and published.
 *
 * @throws {WaysideError} OUTPUT_EXISTS, USAGE, FILE_WRITE_FAILED
 */
export async function initRepository(folder: string, options: InitOptions): Promise<Root> {
  const { roles, days = {}, rootVersion = 1, now = Date.now() } = options;
  const { settings: path } = layoutOf(folder);
  if ((await diskFiles.size(path)) !== undefined) {
    throw new WaysideError('OUTPUT_EXISTS', { message: `${folder} is a repository already` });
  }
  const settings = settingsSchema.parse({ format: 1, days });
  const root = new Root({
    version: rootVersion,
    specVersion: SPEC_VERSION,
    expires: expiresAfter(settings.days.root, now),
    consistentSnapshot: true,
  });
  for (const role of TOP_ROLES) {
    const { keys, threshold } = roles[role];
    for (const key of keys) root.addKey(tufKey(key), role);
    const granted = root.roles[role];
    checkThreshold(role, threshold, granted?.keyIDs.length ?? 0);
    if (granted !== undefined) Object.assign(granted, { threshold });
  }
  const expires = expiresAfter(settings.days.targets, now);
  const targets = new Targets({ version: 1, specVersion: SPEC_VERSION, expires, targets: {} });
  await writeThere(path, `${JSON.stringify(settings, null, 2)}\n`);
  await stage(folder, 'root', new Metadata(root));
  await stage(folder, 'targets', new Metadata(targets));
  return root;
}
