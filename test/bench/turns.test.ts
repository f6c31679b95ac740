import { describe, expect, it } from 'vitest';
import { runChild } from '../../bench/harness/process/child.ts';
import { runInTurns, type Turn } from '../../bench/harness/turns.ts';

const { signal } = new AbortController();
const node = (subject: string, script: string): Turn => ({
  subject,
  run: () => runChild(process.execPath, ['-e', script], { signal }),
});

describe('programs in turns', () => {
  it('gives everyone a turn a round, and a program that failed no other, with its last words', async () => {
    const said: string[] = [];
    const notes: string[] = [];
    const turns = [
      node('good', "process.stdout.write('made')"),
      node('bad', "console.error('first\\nno such operator'); process.exit(3)"),
    ];
    const [good, bad] = await runInTurns(turns, 2, (text) => notes.push(text), {
      signal,
      say: (text) => said.push(text),
    });
    expect(good?.map(({ stdout }) => stdout)).toEqual(['made', 'made']);
    expect(bad).toBeUndefined();
    expect(notes).toEqual(['bad: failed: no such operator']);
    expect(said).toEqual(['good: round 1 of 2', 'bad: round 1 of 2', 'good: round 2 of 2']);
  });

  it('takes an interruption for no failure of the program', async () => {
    const stop = new AbortController();
    const turn: Turn = {
      subject: 'stopped',
      run() {
        stop.abort();
        return runChild(process.execPath, ['-e', ''], { signal: stop.signal });
      },
    };
    const interrupted = runInTurns([turn], 1, () => undefined, { signal: stop.signal, say: () => undefined });
    await expect(interrupted).rejects.toMatchObject({ name: 'AbortError' });
  });
});
