import type { Digest } from '../../core/hash.ts';
import type { Manifest } from '../../inference/manifest.ts';
import { garbageOf } from '../store/garbage.ts';
import { preferredPlaces, type StoreSnapshot } from '../store/snapshot.ts';
import { withJobLimits } from '../trial/job-limits.ts';
import type { TrialLimits } from '../trial/limits.ts';
import type { Installed, Situation } from './situation.ts';
import type { Memory, Settings, Tools } from './work.ts';

/** The package that came with the software, as found at the start. */
export interface Factory {
  readonly manifest: Manifest;
  readonly digest: Digest;
}

function installedOf(snapshot: StoreSnapshot, factory: Factory | undefined): readonly Installed[] {
  return preferredPlaces(snapshot).flatMap((place): Installed[] => {
    if (place !== 'factory') {
      const model = snapshot.slots[place]?.model;
      return [{ place, version: model?.version, digest: model?.digest ?? snapshot.current?.digest }];
    }
    return factory === undefined ? [] : [{ place, version: factory.manifest.version, digest: factory.digest }];
  });
}

export interface Gathered {
  readonly situation: Situation;
  readonly limits: TrialLimits;
  readonly longestTrialHours: number;
}

/** Everything that the next decision rests on, looked at now. */
export async function gather(
  { store, files, freeBytes, now }: Tools,
  settings: Settings,
  memory: Memory,
  { factory, paused }: { readonly factory: Factory | undefined; readonly paused: Situation['paused'] },
): Promise<Gathered> {
  const snapshot = await store.snapshot();
  const wanted = snapshot.jobs.wanted?.outcome === 'open' ? snapshot.jobs.wanted : undefined;
  const keeps = wanted === undefined ? undefined : keptBundle(memory);
  const own = { limits: settings.limits, longestHours: settings.longestTrialHours };
  const bounds = withJobLimits(own, wanted?.limits);
  const at = now();
  const situation: Situation = {
    now: at,
    model: settings.model,
    store: snapshot,
    wanted,
    badLimits: 'refused' in bounds ? `limits of the trial: ${bounds.refused}` : undefined,
    target: memory.target,
    downloaded: memory.downloaded,
    installed: installedOf(snapshot, factory),
    windowOpensAt: settings.windowOpensAt(at),
    freeBytes: await freeBytes(),
    reservedBytes: settings.reservedBytes,
    garbage: {
      always: await garbageOf(files, snapshot, { keeps }),
      forRoom: await garbageOf(files, snapshot, { keeps, need: true }),
    },
    daemon: memory.daemon,
    promoteWithoutTrial: settings.promoteWithoutTrial,
    trial: memory.session?.underWay(),
    paused,
  };
  const { limits, longestHours } = 'refused' in bounds ? own : bounds;
  return { situation, limits, longestTrialHours: longestHours };
}

const keptBundle = ({ target }: Memory): string | undefined =>
  target !== undefined && 'trusted' in target ? target.trusted.sha256 : undefined;
