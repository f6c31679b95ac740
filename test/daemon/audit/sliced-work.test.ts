import { expect, it } from 'vitest';
import { finished, type Sliced, SlicedQueue } from '../../../daemon/audit/sliced-work.ts';

function* counting(name: string, slices: number, done: string[]): Sliced<void> {
  for (let i = 0; i < slices; i++) {
    done.push(`${name}${i}`);
    yield 1;
  }
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('work is done in its order, one slice a turn, so that a frame waits for one slice at most', async () => {
  const queue = new SlicedQueue();
  const done: string[] = [];
  queue.add(counting('a', 2, done));
  queue.add(counting('b', 1, done));
  expect(done).toEqual([]);
  const perTurn: number[] = [];
  while (done.length < 3) {
    const before = done.length;
    await turn();
    perTurn.push(done.length - before);
  }
  expect(done).toEqual(['a0', 'a1', 'b0']);
  expect(Math.max(...perTurn)).toBe(1);
});

it('what is left is finished at once where there is no more time', async () => {
  const queue = new SlicedQueue();
  const done: string[] = [];
  queue.add(counting('a', 3, done));
  queue.add(counting('b', 2, done));
  await turn();
  queue.finish();
  expect(done).toEqual(['a0', 'a1', 'a2', 'b0', 'b1']);
  await turn();
  expect(done).toHaveLength(5);
});

it('work that throws is left, and what waits behind it is not', () => {
  const queue = new SlicedQueue();
  const done: string[] = [];
  queue.add(
    (function* (): Sliced<void> {
      yield 1;
      throw new Error('broken');
    })(),
  );
  queue.add(counting('b', 1, done));
  expect(() => queue.finish()).toThrow('broken');
  queue.finish();
  expect(done).toEqual(['b0']);
  expect(finished(counting('c', 2, done))).toBeUndefined();
});
