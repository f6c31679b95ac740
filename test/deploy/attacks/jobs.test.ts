import { beforeEach, describe, expect, it } from 'vitest';
import type { MemoryFiles } from '../../../bench/harness/power-cuts/memory-files.ts';
import { ModelStore } from '../../../deploy/store/model-store.ts';
import { factoryDisk, MODEL, ROOT, smallPackageOf } from '../../support/crash/store-scenario.ts';

interface Job {
  readonly job: number;
  readonly version: string;
}

let disk: MemoryFiles;
beforeEach(async () => {
  disk = await factoryDisk(await smallPackageOf('0'));
  await new ModelStore(disk, ROOT, MODEL).open();
});

describe('an attack by whoever publishes on the broker', () => {
  it('a replayed job: what was wanted once is sent again', async () => {
    const sent: readonly Job[] = [
      { job: 7, version: '1' },
      { job: 8, version: '2' },
      { job: 7, version: '1' },
    ];
    let obeyed = '';
    for (const { version } of sent) obeyed = version; // a client that does what the last message says
    expect(obeyed).toBe('1');

    const accept = ({ job, version }: Job): Promise<void> =>
      new ModelStore(disk, ROOT, MODEL).jobs.accept({ job, rollout: 'r', version, outcome: 'open' });
    const [first, second, replayed] = sent as [Job, Job, Job];
    await accept(first);
    await accept(second);
    await expect(accept(replayed)).rejects.toMatchObject({ code: 'JOB_REPLAYED' });
    await expect(accept(second)).rejects.toMatchObject({ code: 'JOB_REPLAYED' });
    expect((await new ModelStore(disk, ROOT, MODEL).snapshot()).jobs.wanted).toMatchObject({ job: 8, version: '2' });
  });
});
