import { beforeAll, describe, expect, it } from 'vitest';
import type { MemoryFiles } from '../../../bench/harness/power-cuts/memory-files.ts';
import type { FileSystem } from '../../../core/file-system.ts';
import { seededRandom } from '../../../core/random.ts';
import {
  factoryDisk,
  faultsAfter,
  type Promised,
  ROOT,
  smallPackageOf,
  storeOn,
  type Version,
  yearOfBox,
} from '../../support/crash/store-scenario.ts';

let versions: readonly [Version, Version, Version, Version];
let next: Version;
let disk: MemoryFiles;
let promised: Promised;

beforeAll(async () => {
  versions = [
    await smallPackageOf('1'),
    await smallPackageOf('2'),
    await smallPackageOf('3'),
    await smallPackageOf('4'),
  ];
  next = await smallPackageOf('5');
  disk = await factoryDisk(await smallPackageOf('0'));
  await yearOfBox(disk, versions, (now) => {
    promised = now;
  });
});

async function everyFile(files: FileSystem, folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await files.list(folder)) {
    const path = `${folder}/${name}`;
    if ((await files.size(path)) === undefined) found.push(...(await everyFile(files, path)));
    else found.push(path);
  }
  return found;
}

async function overwrite(files: MemoryFiles, path: string, bytes: Uint8Array): Promise<void> {
  await files.remove(path);
  const file = await files.open(path, 'new');
  await file.write(bytes);
}

const flipped = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

const DAMAGES: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  emptied: () => Buffer.alloc(0),
  'cut short': (bytes) => bytes.subarray(0, Math.floor(bytes.length / 2)),
  zeroed: (bytes) => Buffer.alloc(bytes.length),
  'with a bit flipped': (bytes) => flipped(bytes, seededRandom(bytes.length).below(bytes.length)),
  'replaced by other JSON': () => Buffer.from('{"body":{},"digest":"sha256:0"}'),
};

describe('a store with one damaged file', () => {
  it.each(Object.keys(DAMAGES))('%s: something works, and the next update comes', async (damage) => {
    const faults: string[] = [];
    for (const path of (await everyFile(disk, ROOT)).filter((file) => !file.includes('/factory/'))) {
      const files = disk.clone();
      const bytes = await files.read(path);
      await overwrite(files, path, DAMAGES[damage]?.(bytes) ?? bytes);
      // Of what the damaged file said, the box may have forgotten; it never goes without a model or refuses the next update.
      const allowed = {
        ...promised,
        runs: [...promised.runs, 'factory', '1', '2'],
        bad: path.endsWith('bad.json') ? [] : promised.bad,
      };
      const after = await faultsAfter(files, allowed, next);
      faults.push(...after.faults.map((fault) => `${path}: ${fault}`));
    }
    expect(faults).toEqual([]);
  });

  it('runs what the pointer names where the record of the slot is the one that is damaged', async () => {
    const files = disk.clone();
    const { current } = await storeOn(files).snapshot();
    const place = current?.place ?? 'factory';
    await overwrite(files, `${ROOT}/models/vehicles/state/${place}.json`, Buffer.from('x'));
    await storeOn(files).open();
    const found = await storeOn(files).runnable();
    expect(found?.manifest.version).toBe('4');
    expect((await storeOn(files).snapshot()).slots[place as 'A' | 'B']?.condition).toBe('good');
  });

  it('does not run a slot whose model has a flipped bit, and says which package it runs in its stead', async () => {
    const files = disk.clone();
    const { dir } = (await storeOn(files).runnable()) ?? { dir: '' };
    const path = `${dir}/model.onnx`;
    await overwrite(files, path, flipped(await files.read(path), 3));
    expect((await storeOn(files).runnable())?.place).toBe('factory');
  });

  it('opens on a disk that has failed, which refuses even to flush what nobody wrote', async () => {
    const files = disk.clone();
    const left = `${ROOT}/models/vehicles/state/.A.json.tmp`;
    await (await files.open(left, 'new')).close();
    files.beforeAct = () => {
      throw Object.assign(new Error('EROFS: read-only file system'), { code: 'EROFS' });
    };
    await storeOn(files).open();
    expect((await storeOn(files).runnable())?.manifest.version).toBe('4');
    expect(await files.size(left)).toBe(0);
    files.beforeAct = () => undefined;
    await storeOn(files).open();
    expect(await files.size(left)).toBeUndefined();
  });

  it('keeps the highest job in either copy', async () => {
    for (const copy of [1, 2]) {
      const files = disk.clone();
      await overwrite(files, `${ROOT}/models/vehicles/jobs.${copy}.json`, Buffer.alloc(3));
      await expect(
        storeOn(files).jobs.accept({ job: 4, rollout: 'r', version: 'x', outcome: 'open' }),
      ).rejects.toMatchObject({ code: 'JOB_REPLAYED' });
    }
  });
});

describe('a store on a full disk', () => {
  it('keeps a working model wherever the room ends, and takes the next update once there is room', async () => {
    const fresh = await factoryDisk(await smallPackageOf('0'));
    const measured = fresh.clone();
    measured.room = 10_000_000;
    await yearOfBox(measured, versions, () => {});
    const written = 10_000_000 - measured.room;
    const faults: string[] = [];
    let refused = 0;
    for (let room = 0; room < written; room += 97) {
      const files = fresh.clone();
      files.room = room;
      let now: Promised = { runs: ['factory'], highestJob: 0, bad: [] };
      await yearOfBox(files, versions, (said) => {
        now = said;
      }).catch(() => {
        refused++;
      });
      files.room = Number.POSITIVE_INFINITY;
      faults.push(...(await faultsAfter(files, now, next)).faults.map((fault) => `room ${room}: ${fault}`));
    }
    expect(refused).toBeGreaterThan(100);
    expect(faults).toEqual([]);
  });
});

describe('a store', () => {
  it('takes no job twice and none that is lower', async () => {
    const store = storeOn(disk.clone());
    const job = (number: number) => store.jobs.accept({ job: number, rollout: 'r', version: 'x', outcome: 'open' });
    await job(9);
    await expect(job(9)).rejects.toMatchObject({ code: 'JOB_REPLAYED' });
    await expect(job(8)).rejects.toMatchObject({ code: 'JOB_REPLAYED' });
  });

  it('refuses to take back what came with the software', async () => {
    const store = storeOn(disk.clone());
    await store.rollBack('asked');
    await expect(store.rollBack('asked')).rejects.toMatchObject({ code: 'STORE_NOTHING_TO_ROLL_BACK' });
  });

  it('refuses a store of newer software', async () => {
    const files = disk.clone();
    await overwrite(files, `${ROOT}/store.json`, Buffer.from('{"format":2}'));
    await expect(storeOn(files).open()).rejects.toMatchObject({ code: 'STORE_FORMAT' });
  });

  it('lets a trial be cut off five times, and then waits for a new job without holding it against the package', async () => {
    const files = disk.clone();
    const store = storeOn(files);
    const { slot, dir } = await store.beginWriting({ name: 'vehicles', version: '5', digest: next.digest }, 5);
    for (const [name, bytes] of next.files) {
      await files.makeFolder(`${dir}/${name}`.replace(/\/[^/]*$/, ''));
      await (await files.open(`${dir}/${name}`, 'new')).write(bytes);
    }
    await store.finishWriting(slot);
    await store.beginTrial(slot);
    for (let start = 0; start < 5; start++) {
      expect((await storeOn(files).open()).slots[slot]?.condition).toBe('trial');
    }
    const { slots, bad } = await storeOn(files).open();
    expect(slots[slot]).toMatchObject({ condition: 'verified', reason: 'TRIAL_INTERRUPTED' });
    expect(bad.models.map(({ digest }) => digest)).not.toContain(next.digest);
  });
});
