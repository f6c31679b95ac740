import { WaysideError } from '../../../core/errors.ts';
import { targetCustomSchema, targetPathOf } from '../../target.ts';
import type { TrustedTarget } from '../situation.ts';
import type { Target, TufClient } from '../tuf/client.ts';
import type { Work } from '../work.ts';

/** Asks the repository for what the job names: as differences from a package that is here, or whole. */
export async function lookUp({ tools, settings, memory, wanted, installed, signal }: Work): Promise<void> {
  const client = tools.repository(wanted.source ?? 'office');
  await client.refresh({ signal });
  const { model: name } = settings;
  const { version } = wanted;
  // What runs is never written over; another package here may be, before it is read.
  const running = memory.wholeOnly ? undefined : installed[0]?.digest;
  for (const parent of running === undefined ? [undefined] : [running, undefined]) {
    const found = await find(client, targetPathOf({ name, version, parent }), parent === undefined, signal);
    if (found === undefined) continue;
    const trusted = trustedOf(found, name, version);
    if ('refused' in trusted) {
      memory.target = trusted;
      return;
    }
    if (trusted.minVersion !== undefined) await tools.store.jobs.raiseMinimum(trusted.minVersion);
    memory.target = { trusted: trusted.target };
    return;
  }
}

async function find(
  client: TufClient,
  path: string,
  required: boolean,
  signal: AbortSignal,
): Promise<Target | undefined> {
  try {
    return await client.target(path, { signal });
  } catch (cause) {
    if (!required && cause instanceof WaysideError && cause.code === 'TARGET_UNKNOWN') return undefined;
    throw cause;
  }
}

/** What is signed for a path has to be what the path says. */
function trustedOf({ path, length, hashes, custom }: Target, name: string, version: string) {
  const parsed = targetCustomSchema.safeParse(custom);
  const { sha256 } = hashes;
  const refused = (message: string) => ({ refused: { code: 'UPDATE_REFUSED', message: `${path}: ${message}` } });
  if (!parsed.success)
    return refused(`its signers say nothing of it that is understood: ${parsed.error.issues[0]?.message}`);
  const { data } = parsed;
  if (data.name !== name || data.version !== version) return refused(`it is signed as ${data.name} ${data.version}`);
  if (sha256 === undefined) return refused('it is signed without a sha256');
  const target: TrustedTarget = {
    path,
    bytes: length,
    sha256,
    package: data.package,
    unpackedBytes: data.unpackedBytes,
    parent: data.parent,
    formats: data.formats ?? {},
  };
  return { target, minVersion: data.minVersion };
}
