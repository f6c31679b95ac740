import { appendFileSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './until.ts';

/** Where groups with a limit of memory are made, and what their files are called: cgroup v2, or v1 where it has the memory controller. */
const PLACES = [
  {
    parent: '/sys/fs/cgroup',
    enabled: 'cgroup.subtree_control',
    limit: 'memory.max',
    swap: 'memory.swap.max',
    events: 'memory.events',
  },
  {
    parent: '/sys/fs/cgroup/memory',
    enabled: undefined,
    limit: 'memory.limit_in_bytes',
    swap: 'memory.swappiness',
    events: 'memory.oom_control',
  },
] as const;

const placeHere = PLACES.find(({ parent, enabled, limit }) => {
  if (enabled === undefined) return existsSync(join(parent, limit));
  const file = join(parent, enabled);
  return existsSync(file) && readFileSync(file, 'utf8').split(/\s/).includes('memory');
});

/** Processes whose memory is limited together: beyond it the kernel kills one of them. */
export class MemoryGroup {
  readonly #folder: string;
  readonly #place: (typeof PLACES)[number];

  /** @throws where this machine lets nobody make one */
  constructor(limitBytes: number) {
    if (placeHere === undefined) throw new Error('no memory controller of cgroups');
    this.#place = placeHere;
    this.#folder = join(placeHere.parent, `wayside-test-${process.pid}-${performance.now().toFixed(3)}`);
    mkdirSync(this.#folder);
    writeFileSync(join(this.#folder, placeHere.limit), String(limitBytes));
    const swap = join(this.#folder, placeHere.swap);
    if (existsSync(swap)) writeFileSync(swap, '0');
  }

  /** Takes processes in; what they start from now on is in it too. */
  add(...pids: readonly number[]): void {
    for (const pid of pids) appendFileSync(join(this.#folder, 'cgroup.procs'), String(pid));
  }

  /** How many of them the kernel has killed for memory. */
  get kills(): number {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync(join(this.#folder, this.#place.events), 'utf8'))?.[1]);
  }

  /** Once its processes have ended. */
  async remove(): Promise<void> {
    const procs = join(this.#folder, 'cgroup.procs');
    await until('the group to be empty', () => readFileSync(procs, 'utf8') === '');
    rmdirSync(this.#folder);
  }
}

function canBeMade(): boolean {
  try {
    const group = new MemoryGroup(64 << 20);
    const counts = Number.isFinite(group.kills);
    void group.remove();
    return counts;
  } catch {
    return false; // read-only, not root, or no such controller
  }
}

export const memoryGroups = {
  name: 'cgroups with a limit of memory',
  met: canBeMade(),
  hint: 'root, and a memory controller of cgroups that can be written to',
};
