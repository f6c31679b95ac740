import { messageOf } from '../../core/errors.ts';
import type { ChildRun } from './process/child.ts';
import type { Workplace } from './workplace.ts';

export interface Turn {
  readonly subject: string;
  run(): Promise<ChildRun>;
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

/**
 * Runs programs to their end in turns, several rounds, never two at once: what else the machine does hits all of them alike.
 * One that fails has no further turn, and its last words are noted.
 *
 * @param note takes a sentence for who reads the figures
 * @returns the runs of each, in their order; undefined for one that failed
 */
export async function runInTurns(
  turns: readonly Turn[],
  rounds: number,
  note: (text: string) => void,
  { signal, say }: Pick<Workplace, 'signal' | 'say'>,
): Promise<(readonly ChildRun[] | undefined)[]> {
  const runs: (ChildRun[] | undefined)[] = turns.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, { subject, run }] of turns.entries()) {
      const own = runs[index];
      if (own === undefined) continue;
      say(`${subject}: round ${round + 1} of ${rounds}`);
      try {
        own.push(await run());
      } catch (cause) {
        signal.throwIfAborted();
        runs[index] = undefined;
        note(`${subject}: failed: ${lastLine(messageOf(cause))}`);
      }
    }
  }
  return runs;
}
