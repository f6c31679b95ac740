import { beforeAll, describe, expect, it } from 'vitest';
import { LOSSES } from '../../../bench/harness/power-cuts/losses.ts';
import type { MemoryFiles } from '../../../bench/harness/power-cuts/memory-files.ts';
import { seededRandom } from '../../../core/random.ts';
import {
  factoryDisk,
  faultsAfter,
  type Promised,
  smallPackageOf,
  type Version,
  yearOfBox,
} from '../../support/crash/store-scenario.ts';

let versions: readonly [Version, Version, Version, Version];
let next: Version;
let disk: MemoryFiles;

beforeAll(async () => {
  versions = [
    await smallPackageOf('1'),
    await smallPackageOf('2'),
    await smallPackageOf('3'),
    await smallPackageOf('4'),
  ];
  next = await smallPackageOf('5');
  disk = await factoryDisk(await smallPackageOf('0'));
});

interface Cut {
  readonly files: MemoryFiles;
  readonly promised: Promised;
}

/** The year up to a cut before the act of this number. */
async function upTo(cutAt: number, skippedFlush = -1): Promise<Cut> {
  const files = disk.clone();
  Object.assign(files, { cutAt, skippedFlush });
  let promised: Promised = { runs: ['factory'], highestJob: 0, bad: [] };
  const year = yearOfBox(files, versions, (now) => {
    promised = now;
  });
  await Promise.race([year, files.cut]);
  return { files, promised };
}

/** What the power could take of a year although a step was done, with one flush left out. */
async function unsafe(skippedFlush: number): Promise<string[]> {
  const files = disk.clone();
  Object.assign(files, { skippedFlush });
  const found: string[] = [];
  await yearOfBox(files, versions, () => found.push(...files.unflushed()));
  return [...found, ...files.broken];
}

async function faultsOfCut(cut: Cut, seed: number): Promise<string[]> {
  const random = seededRandom(seed);
  const found: string[] = [];
  for (const loss of LOSSES) {
    const { faults } = await faultsAfter(cut.files.afterCut(loss, random), cut.promised, next);
    found.push(...faults.map((fault) => `${loss}, before act ${cut.files.acts}: ${fault}`));
  }
  return found;
}

describe('the store, when the power goes', () => {
  it('before any act, with anything lost that was not flushed: a working model, no update blocked', async () => {
    const { files } = await upTo(Number.POSITIVE_INFINITY);
    const faults: string[] = [];
    for (let cut = 0; cut <= files.acts; cut++) faults.push(...(await faultsOfCut(await upTo(cut), cut)));
    expect(faults).toEqual([]);
  });

  it('has flushed everything whenever a step is done, in the order that matters', async () => {
    expect(await unsafe(-1)).toEqual([]);
  });

  it('needs every one of its flushes', async () => {
    const { files } = await upTo(Number.POSITIVE_INFINITY);
    const flushes = files.log.filter((act) => act.startsWith('flush'));
    const needless: string[] = [];
    for (const [skipped, flush] of flushes.entries()) {
      if ((await unsafe(skipped)).length === 0) needless.push(flush);
    }
    expect(needless).toEqual([]);
  });
});
