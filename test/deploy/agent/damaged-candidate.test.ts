import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { reject } from '../../../deploy/agent/steps/trial.ts';
import type { Work } from '../../../deploy/agent/work.ts';
import { BoxStore } from '../../support/box-store.ts';
import { writeColourPackage } from '../../support/colour-package.ts';
import { temporaryFolder } from '../../support/folder.ts';

const inside = temporaryFolder();

let box: BoxStore;
let candidate: Awaited<ReturnType<BoxStore['install']>>;

beforeEach(async () => {
  const write = (version: string) => (dir: string) => writeColourPackage(dir, { version });
  box = await BoxStore.create(join(inside(), randomUUID()), 'colours', write('0'));
  candidate = await box.install(write('1'));
  await box.store.beginTrial(candidate.slot);
});

/** What the agent does once the daemon has said that the candidate does not load. */
async function rejected(): Promise<string[]> {
  const told: string[] = [];
  const work = { tools: { store: box.store, tell: ({ type }: { type: string }) => told.push(type) }, memory: {} };
  await reject(work as unknown as Work, {
    do: 'reject',
    slot: candidate.slot,
    reason: 'TRIAL_FAILED_TO_LOAD',
    message: 'x',
  });
  return told;
}

it('does not hold it against a candidate that its files were damaged on this disk: the next job may bring it again', async () => {
  await box.damage(candidate.dir);
  await expect(rejected()).rejects.toMatchObject({ code: 'PACKAGE_INVALID' });
  const { slots, bad } = await box.store.snapshot();
  expect(bad.models).toEqual([]);
  expect(slots[candidate.slot]?.condition).toBe('empty');
});

it('remembers a candidate as bad that is whole and does not load', async () => {
  expect(await rejected()).toEqual(['reload']);
  const { slots, bad } = await box.store.snapshot();
  expect(bad.models).toMatchObject([{ digest: candidate.model.digest, reason: expect.stringContaining('x') }]);
  expect(slots[candidate.slot]?.condition).toBe('bad');
});
