import { readdirSync, readFileSync } from 'node:fs';

/** Children of a process, of all its threads; empty when it is gone or the kernel does not list them. */
function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return []; // ended meanwhile, or no /proc
  }
}

/** All processes below `pid`, except those in `leaveOut` and what is below them. */
export function descendantsOf(pid: number, leaveOut: readonly number[] = []): number[] {
  const found: number[] = [];
  const queue = childrenOf(pid);
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    if (leaveOut.includes(next)) continue;
    found.push(next);
    queue.push(...childrenOf(next));
  }
  return found;
}
