import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../../../core/errors.ts';
import { type Random, seededRandom } from '../../../core/random.ts';
import { verifyGolden } from '../../../inference/golden.ts';
import { readPackage } from '../../../inference/read-package.ts';
import { openSession } from '../../../inference/session.ts';
import { Box, factoryDisk, storeOn } from './box.ts';
import { LOSSES, type Loss } from './losses.ts';
import type { MemoryFiles } from './memory-files.ts';
import type { PublishedModels } from './office.ts';

/** Version 3 is slower than allowed. */
const SLOW: ReadonlySet<string> = new Set(['3']);

/** What has to be so after a cut. */
interface Promised {
  /** Versions of which one runs: the one before the step and, once it is known, the one after it. */
  readonly runs: Set<string>;
  readonly highestJob: number;
  readonly bad: readonly string[];
}

/** What the next start finds. */
interface CrashState {
  readonly disk: MemoryFiles;
  readonly promised: Promised;
  readonly act: number;
  readonly loss: Loss;
}

async function promisedOn(disk: MemoryFiles): Promise<Promised> {
  const store = storeOn(disk);
  const { jobs, bad } = await store.snapshot();
  const version = (await store.runnable())?.manifest.version;
  return {
    runs: new Set(version === undefined ? [] : [version]),
    highestJob: jobs.highest,
    bad: bad.models.map(({ digest }) => digest),
  };
}

type Order = readonly [job: number, version: string, action?: 'install' | 'roll-back'];
/** Two versions earn their place, the second as differences from the first; a third fails its trial; the second is taken back; a fourth comes. */
const LIFE: readonly Order[] = [
  [1, '1'],
  [2, '2'],
  [3, '3'],
  [4, '2', 'roll-back'],
  [5, '4'],
];

/** @param stepDone called after every step, and at the start before any act */
export async function live(
  disk: MemoryFiles,
  models: PublishedModels,
  stepDone: () => Promise<void> | void,
  orders: readonly Order[] = LIFE,
): Promise<void> {
  const box = new Box(disk, models, SLOW);
  await box.start();
  await stepDone();
  for (const order of orders) {
    box.order(...order);
    await box.work(stepDone);
  }
}

/** Every state of the disk that a cut before any act of a life may leave; equal ones once. */
export async function crashStates(models: PublishedModels): Promise<{
  readonly states: readonly CrashState[];
  readonly points: number;
  readonly acts: number;
  /** Cuts between two writes of one file. */
  readonly withinFiles: number;
}> {
  const disk = await factoryDisk(models);
  const random = seededRandom(7);
  const states = new Map<string, CrashState>();
  let promised = await promisedOn(disk);
  let points = 0;
  let steps = 0;
  disk.beforeAct = () => {
    for (const loss of LOSSES) {
      points++;
      const left = disk.afterCut(loss, random);
      const key = `${steps} ${left.fingerprint()}`;
      if (!states.has(key)) states.set(key, { disk: left, promised, act: disk.acts, loss });
    }
  };
  await live(disk, models, async () => {
    const next = await promisedOn(disk);
    for (const version of next.runs) promised.runs.add(version);
    promised = next;
    steps++;
  });
  const writes = disk.log.map((act) => act.startsWith('write ') && act);
  const within = writes.filter((act, index) => act !== false && act === writes[index - 1]).length;
  return { states: [...states.values()], points, acts: disk.acts, withinFiles: within * LOSSES.length };
}

export interface Aftermath {
  readonly faults: readonly string[];
  readonly withoutModel: boolean;
  readonly blocked: boolean;
}

/** The next start after a cut: what runs, what is remembered, whether the work goes on, and whether the update after it arrives. */
export async function aftermath(
  { disk, promised }: Omit<CrashState, 'act' | 'loss'>,
  models: PublishedModels,
): Promise<Aftermath> {
  const faults: string[] = [];
  const store = storeOn(disk);
  // The daemon does not wait for the agent: it finds a model before anything is put in order.
  const before = await store.runnable();
  const version = before?.manifest.version;
  if (version === undefined) faults.push('no working model');
  else if (!promised.runs.has(version)) faults.push(`runs ${version}, promised ${[...promised.runs].join(' or ')}`);
  let blocked = false;
  try {
    const box = new Box(disk, models, SLOW);
    await box.start();
    const found = await store.runnable();
    if (found?.dir !== before?.dir) faults.push(`the start changed what runs: ${before?.dir}, then ${found?.dir}`);
    const { jobs, bad } = await store.snapshot();
    if (jobs.highest < promised.highestJob) faults.push(`job ${promised.highestJob} is forgotten`);
    const forgotten = promised.bad.filter((digest) => !bad.models.some((model) => model.digest === digest));
    for (const digest of forgotten) faults.push(`that ${digest} is bad is forgotten`);
    await box.work();
    box.order(1000, '5');
    await box.work();
    const after = (await store.runnable())?.manifest.version;
    if (after !== '5') throw new Error(`${after} runs after the update to 5`);
  } catch (cause) {
    blocked = true;
    faults.push(`the next update is blocked: ${messageOf(cause)}`);
  }
  return { faults, withoutModel: version === undefined, blocked };
}

/** Acts of a recovery within which the second cut comes. */
const SECOND_CUT = 80;

/** The power goes again while the box puts in order what the first cut left. */
export async function aftermathOfTwo(state: CrashState, models: PublishedModels, random: Random): Promise<Aftermath> {
  const disk = state.disk.clone();
  disk.cutAt = random.below(SECOND_CUT);
  const box = new Box(disk, models, SLOW);
  const recovery = box.start().then(() => box.work());
  await Promise.race([recovery, disk.cut]);
  const left = disk.afterCut(LOSSES[random.below(LOSSES.length)] ?? 'lost', random);
  // The job at hand may have been finished before the second cut; what failed its trial never runs.
  const runs = new Set([...models.digests.keys()].filter((version) => !SLOW.has(version)));
  return aftermath({ disk: left, promised: { ...state.promised, runs } }, models);
}

/** The power goes in every trial of a version, many times over. @returns how the box is after that */
export async function cutInEveryTrial(models: PublishedModels, times: number): Promise<Aftermath> {
  const disk = await factoryDisk(models);
  const store = storeOn(disk);
  for (let time = 0; time < times; time++) {
    const box = new Box(disk, models, SLOW);
    await box.start();
    if (time === 0) box.order(1, '1');
    await box
      .work(async () => {
        const { slots } = await store.snapshot();
        if (Object.values(slots).some((slot) => slot?.condition === 'trial')) throw new Error('the power went');
      })
      .catch(() => undefined);
  }
  const { bad } = await store.snapshot();
  const after = await aftermath({ disk, promised: { runs: new Set(['0']), highestJob: 1, bad: [] } }, models);
  const held = bad.models.map(({ version }) => `version ${version} is held to be bad for power cuts`);
  return { ...after, faults: [...after.faults, ...held] };
}

/** Loads what would run and has it reproduce its golden samples. @throws {WaysideError} where it does not */
export async function reallyRuns(disk: MemoryFiles, scratch: string): Promise<void> {
  const found = await storeOn(disk).runnable();
  if (found === undefined) throw new Error('nothing would run');
  const dir = await mkdtemp(join(scratch, 'runs-'));
  for (const name of ['manifest.json', ...Object.keys(found.manifest.files)]) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), await disk.read(`${found.dir}/${name}`));
  }
  const { modelPath, manifest, golden } = await readPackage(dir);
  const session = await openSession(modelPath);
  await verifyGolden(session, manifest.preprocessing, golden);
  await session.close();
  await rm(dir, { recursive: true });
}

/** A life on a disk that is full after so many bytes, and a restart once there is room. */
export async function afterFullDisk(
  models: PublishedModels,
  room: number,
): Promise<Aftermath & { readonly full: boolean }> {
  const disk = await factoryDisk(models);
  let promised = await promisedOn(disk);
  disk.room = room;
  let full = false;
  try {
    await live(disk, models, async () => {
      const next = await promisedOn(disk);
      promised = { ...next, runs: new Set([...promised.runs, ...next.runs]) };
      if (disk.room === 0) throw new Error('the disk is full');
    });
  } catch {
    full = true;
  }
  const now = await promisedOn(disk);
  disk.room = Number.POSITIVE_INFINITY;
  return {
    ...(await aftermath({ disk, promised: { ...promised, runs: new Set([...promised.runs, ...now.runs]) } }, models)),
    full,
  };
}

/** What a cut could take although a step was done, or what was done in the wrong order, with one flush left out; -1: none. */
export async function unsafeWithout(
  models: PublishedModels,
  flush: number,
  orders: readonly Order[],
): Promise<readonly string[]> {
  const disk = await factoryDisk(models);
  disk.skippedFlush = flush;
  const found = new Set<string>();
  const look = (): void => {
    for (const path of disk.unflushed()) found.add(path);
  };
  await live(disk, models, look, orders);
  return [...found, ...disk.broken];
}
