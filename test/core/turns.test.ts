import { expect, test } from 'vitest';
import { turnsOf } from '../../core/turns.ts';

test('a loop without end is left once the signal is aborted by an event', async () => {
  const stop = new AbortController();
  const turn = turnsOf(stop.signal);
  setImmediate(() => stop.abort(new Error('stopped')));
  const work = async (): Promise<never> => {
    for (;;) await turn();
  };
  await expect(work()).rejects.toThrow('stopped');
});

test('a signal that is aborted already lets nothing begin', async () => {
  await expect(turnsOf(AbortSignal.abort(new Error('before')))()).rejects.toThrow('before');
});
