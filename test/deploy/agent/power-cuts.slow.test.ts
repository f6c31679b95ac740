import { beforeAll, describe, expect, it } from 'vitest';
import { factoryDisk } from '../../../bench/harness/power-cuts/box.ts';
import {
  afterFullDisk,
  aftermath,
  aftermathOfTwo,
  crashStates,
  cutInEveryTrial,
  live,
  reallyRuns,
  unsafeWithout,
} from '../../../bench/harness/power-cuts/cuts.ts';
import { type PublishedModels, publishModels } from '../../../bench/harness/power-cuts/office.ts';
import { seededRandom } from '../../../core/random.ts';
import { temporaryFolder } from '../../support/folder.ts';

const folder = temporaryFolder();
let models: PublishedModels;

beforeAll(async () => {
  models = await publishModels(folder());
});

describe('an update, when the power goes', () => {
  it('before any act of refresh, download, unpacking, trial, switch, rollback and garbage collection: a working model, no update blocked', async () => {
    const { states, points, withinFiles } = await crashStates(models);
    expect(points).toBeGreaterThan(2000);
    expect(withinFiles).toBeGreaterThan(100);
    let ran = 0;
    const faults: string[] = [];
    const random = seededRandom(3);
    for (const [index, state] of states.entries()) {
      if (index % 5 === 0) {
        await reallyRuns(state.disk, folder());
        ran++;
      }
      // Every second state is cut a second time, while the box puts in order what the first cut left.
      const twice = index % 2 === 0 ? await aftermathOfTwo(state, models, random) : undefined;
      faults.push(...(twice?.faults ?? []).map((fault) => `${state.loss}, before act ${state.act}, twice: ${fault}`));
      const { faults: found } = await aftermath(state, models);
      faults.push(...found.map((fault) => `${state.loss}, before act ${state.act}: ${fault}`));
    }
    expect(faults).toEqual([]);
    expect(ran).toBeGreaterThanOrEqual(points / 50);
  });

  it('has flushed everything whenever a step is done, and needs every one of its flushes for it', async () => {
    const orders = [
      [1, '1'],
      [2, '3'],
    ] as const;
    expect(await unsafeWithout(models, -1, orders)).toEqual([]);
    const disk = await factoryDisk(models);
    await live(disk, models, () => {}, orders);
    const flushes = disk.log.filter((act) => act.startsWith('flush'));
    const needless: string[] = [];
    for (const [skipped, flush] of flushes.entries()) {
      if ((await unsafeWithout(models, skipped, orders)).length === 0) needless.push(flush);
    }
    expect(needless).toEqual([]);
  });

  it('in every trial, a dozen times: nothing is held against the version, and the update after it comes', async () => {
    expect((await cutInEveryTrial(models, 12)).faults).toEqual([]);
  });

  it('and when the disk is full after any number of bytes', async () => {
    const faults: string[] = [];
    let full = 0;
    for (let room = 0, step = 4000; room < 400_000; room += step) {
      const after = await afterFullDisk(models, room);
      if (after.full) full++;
      faults.push(...after.faults.map((fault) => `room ${room}: ${fault}`));
    }
    expect(full).toBeGreaterThan(20);
    expect(faults).toEqual([]);
  });
});
