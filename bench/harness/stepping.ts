import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { PACKAGE_ROOT } from '../../core/layout.ts';

/** A program that answers every line on its stdin with the milliseconds of one step. */
interface Contestant {
  readonly program: string;
  readonly args: readonly string[];
}

/**
 * Times steps of several programs in turns, never two at once: whatever else the machine does hits all of them alike, so
 * that a ratio holds where the times do not.
 *
 * @returns the milliseconds of every round, for each program; the first steps, which allocate, are left out
 * @throws {Error} when a program ends before it has answered
 */
export async function steppedInTurns(
  contestants: readonly Contestant[],
  { warmUp, rounds, signal }: { readonly warmUp: number; readonly rounds: number; readonly signal: AbortSignal },
): Promise<number[][]> {
  const children = contestants.map(({ program, args }) => {
    const child = spawn(program, args, { cwd: PACKAGE_ROOT, stdio: ['pipe', 'pipe', 'inherit'], signal });
    const failed = once(child, 'close').then(() => {
      throw new Error(`${program} ${args.join(' ')} ended early`);
    });
    failed.catch(() => undefined); // also rejects after its stdin was closed, when nobody asks any more
    return { child, failed, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
  });
  const times: number[][] = contestants.map(() => []);
  try {
    for (let round = 0; round < warmUp + rounds; round++) {
      for (const [index, { child, lines, failed }] of children.entries()) {
        child.stdin.write('step\n');
        const line = await Promise.race([lines.next(), failed]);
        if (round >= warmUp) times[index]?.push(Number(line.value));
      }
    }
  } finally {
    for (const { child } of children) child.stdin.end();
  }
  return times;
}
