import { targetCustomSchema } from '../target.ts';
import { compareVersions } from '../version.ts';
import type { TufClient } from './tuf/client.ts';

/** The newest version of a model that the repository has as a whole; undefined where it has none. */
export async function newestVersion(
  client: TufClient,
  model: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  await client.refresh({ signal });
  const versions = (await client.targetsUnder(`${model}/`, { signal })).flatMap(({ custom }) => {
    const parsed = targetCustomSchema.safeParse(custom);
    return parsed.success && parsed.data.name === model && parsed.data.parent === undefined
      ? [parsed.data.version]
      : [];
  });
  return versions.reduce<string | undefined>(
    (newest, version) => (newest === undefined || compareVersions(version, newest) > 0 ? version : newest),
    undefined,
  );
}
