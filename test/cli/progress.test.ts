import { describe, expect, it } from 'vitest';
import { ProgressBar } from '../../cli/progress.ts';

const plain = (_style: string, text: string): string => text;

function terminal(columns = 80, isTTY = true) {
  const written: string[] = [];
  let now = 0;
  const bar = new ProgressBar({ isTTY, columns, write: (text) => written.push(text) }, plain, () => now);
  return {
    bar,
    written,
    at: (ms: number) => {
      now = ms;
    },
    /** What the last line shows: terminal codes taken off. */
    shown: () => (written.at(-1) ?? '').replaceAll('\r\u001b[2K', ''),
  };
}

describe('the progress bar', () => {
  it('shows stage, share, rate and time left', () => {
    const { bar, at, shown } = terminal(120);
    bar.listen({ stage: 'calibrating', done: 0, total: 512 });
    at(2000);
    bar.listen({ stage: 'calibrating', done: 128, total: 512 });
    // 128 in 2 s are 64 a second; the other 384 take 6 s.
    expect(shown()).toBe('calibrating [######------------------] 128/512 64/s, 6.0 s left');
  });

  it('counts without a bar while the total is unknown', () => {
    const { bar, at, shown } = terminal();
    bar.listen({ stage: 'reading', done: 0 });
    at(1000);
    bar.listen({ stage: 'reading', done: 40 });
    expect(shown()).toBe('reading 40 40/s');
  });

  it('redraws at most ten times a second', () => {
    const { bar, at, written } = terminal();
    for (let ms = 0; ms < 1000; ms++) {
      at(ms);
      bar.listen({ stage: 'evaluating', done: ms, total: 1000 });
    }
    expect(written).toHaveLength(10);
  });

  it('leaves a line for each stage that ended, with its time', () => {
    const { bar, at, written } = terminal();
    bar.listen({ stage: 'calibrating', done: 512, total: 512 });
    at(3200);
    bar.listen({ stage: 'evaluating', done: 0, total: 5000 });
    expect(written.some((text) => text.endsWith('done calibrating 512 3.2 s\n'))).toBe(true);
    bar.end(false);
    expect(written.at(-1)).toBe('\r\u001b[2K');
  });

  it('never exceeds the width of the terminal: a wrapped line could not be redrawn', () => {
    for (const columns of [20, 40, 60, 80]) {
      const { bar, at, shown } = terminal(columns);
      bar.listen({ stage: 'evaluating the compressed model', done: 0, total: 1_000_000 });
      at(60_000);
      bar.listen({ stage: 'evaluating the compressed model', done: 999, total: 1_000_000 });
      expect(shown().length).toBeLessThan(columns);
    }
  });

  it('writes a line every ten seconds where stderr is not a terminal, and none of work that is done sooner', () => {
    const { bar, at, written } = terminal(80, false);
    for (let second = 0; second < 10; second++) {
      at(1000 * second);
      bar.listen({ stage: 'evaluating', done: second, total: 60 });
    }
    expect(written).toEqual([]);
    for (let second = 10; second < 25; second++) {
      at(1000 * second);
      bar.listen({ stage: 'evaluating', done: second, total: 60, detail: 'loss 1.5' });
    }
    expect(written).toEqual(['evaluating 10/60, 10 s, loss 1.5\n', 'evaluating 20/60, 20 s, loss 1.5\n']);
    bar.end(true);
    expect(written).toHaveLength(2);
  });

  it('says there too that a step which reports nothing goes on', () => {
    const { bar, at, written } = terminal(80, false);
    bar.listen({ stage: 'choosing ranges', done: 0, total: 3 });
    at(9999);
    bar.tick();
    expect(written).toEqual([]);
    at(31_000);
    bar.tick();
    at(31_500);
    bar.tick();
    expect(written).toEqual(['choosing ranges 0/3, 31 s\n']);
  });
});
