import type { BegunWave, Rollout } from '../../contract/messages/rollout.ts';
import type { HeardBox } from './boxes.ts';
import { spreadSeconds } from './spread.ts';

/** The record of a site names its groups: it stays small. */
const MOST_GROUPS = 64;

/**
 * Groups whose every box, also one that nobody knows yet, belongs to a wave `all`: those that the rollout is for, or all that there are
 * where it is for none. What also asks for tags or hardware has no such group. Of groups that overlap those are taken that reach
 * most boxes that no other one has reached: a box hears each of its groups.
 */
export function wholeGroups({ groups, tags, hardware }: Rollout['selection'], members: readonly HeardBox[]): string[] {
  if (tags.length > 0 || hardware.length > 0) return [];
  if (groups.length > 0) return groups.length <= MOST_GROUPS ? [...groups] : [];
  const chosen: string[] = [];
  let left = members;
  while (chosen.length < MOST_GROUPS) {
    const reached = new Map<string, number>();
    for (const name of left.flatMap(({ report }) => report.groups)) reached.set(name, (reached.get(name) ?? 0) + 1);
    const [best] = [...reached].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    // One box is told by its own topic as well.
    if (best === undefined || best[1] < 2) return chosen;
    chosen.push(best[0]);
    left = left.filter(({ report }) => !report.groups.includes(best[0]));
  }
  return chosen;
}

/** What stands on the topics of groups. */
export interface GroupJob {
  readonly names: readonly string[];
  /** Undefined: it is taken off them. */
  readonly job: number | undefined;
  readonly spreadSeconds: number | undefined;
}

/** @param halted nothing more is to begin */
export function groupJobOf(rollout: Rollout, halted: boolean): GroupJob | undefined {
  const { begun, takingBack } = rollout;
  const index = begun.findIndex(({ group }) => group !== undefined);
  const wave = begun[index];
  if (wave?.group === undefined) return undefined;
  const { group } = wave;
  const over = halted || (takingBack !== null && index >= takingBack.fromWave);
  const job = over ? undefined : (group.job ?? undefined);
  return { names: group.names, job, spreadSeconds: spreadSeconds(rollout, wave) };
}

const hears = ({ report }: HeardBox, names: readonly string[]): boolean =>
  report.groups.some((name) => names.includes(name));

/**
 * The job that a box of a wave has to know. That of the groups has the lowest number of the rollout: boxes of earlier waves have seen
 * it, or a higher one, and refuse it as one that they have answered. A box that has seen a higher one of another rollout would refuse it
 * too, and is told by itself; so is every box of a wave that is tried again.
 */
export function jobOf(box: HeardBox, wave: BegunWave, rollout: Rollout): { job: number; byGroup: boolean } {
  const { id, begun } = rollout;
  const all = begun.find(({ group }) => group !== undefined);
  const job = all?.group?.job ?? undefined;
  const own = { job: wave.job, byGroup: false };
  if (all?.group === undefined || job === undefined || wave.startedAt > all.startedAt) return own;
  const { report } = box;
  if (!hears(box, all.group.names) || (report.job >= job && report.rollout !== id)) return own;
  return { job: Math.min(job, wave.job), byGroup: groupJobOf(rollout, false)?.job !== undefined };
}
