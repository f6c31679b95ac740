import { expect, it } from 'vitest';
import { crashStates, faultsAfter, flushesOf, unsafeWithout } from '../../../bench/harness/journal/life.ts';
import { seededRandom } from '../../../core/random.ts';

it('before any act, with anything lost that was not flushed: nothing promised is lost, no number given again, the chain holds', async () => {
  const { states, points } = await crashStates(seededRandom(7));
  expect(points).toBeGreaterThanOrEqual(2000);
  const faults: string[] = [];
  for (const { disk, promised, act, loss } of states)
    for (const fault of await faultsAfter(disk, promised)) faults.push(`${loss}, before act ${act}: ${fault}`);
  expect(faults).toEqual([]);
});

it('needs every one of its flushes', async () => {
  expect(await unsafeWithout(-1)).toEqual([]);
  const needless: number[] = [];
  for (let flush = 0; flush < (await flushesOf()); flush++)
    if ((await unsafeWithout(flush)).length === 0) needless.push(flush);
  expect(needless).toEqual([]);
});
