import { copyIn, MemoryFiles } from '../../../bench/harness/power-cuts/memory-files.ts';
import { diskFiles, type FileSystem } from '../../../core/file-system.ts';
import { type Digest, digestOf } from '../../../core/hash.ts';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { ModelStore } from '../../../deploy/store/model-store.ts';
import { Manifest } from '../../../inference/manifest.ts';

export const ROOT = '/store';
export const MODEL = 'vehicles';
const DEFAULT_PACKAGE = `${PACKAGE_ROOT}/demo/package`;
const AT = new Date('2026-01-02T03:04:05.678Z');

/** What has to be so from now on, whatever happens to the power. */
export interface Promised {
  /** The version that runs; two, while one is being replaced by the other. */
  readonly runs: readonly string[];
  readonly highestJob: number;
  readonly bad: readonly string[];
}

export interface Version {
  readonly version: string;
  readonly digest: Digest;
  readonly files: ReadonlyMap<string, Buffer>;
}

/** The default package, under another version and so with another digest. */
export async function packageOf(version: string): Promise<Version> {
  const disk = new MemoryFiles();
  await copyIn(disk, diskFiles, DEFAULT_PACKAGE, '/package');
  const manifest = await defaultManifest();
  const files = new Map<string, Buffer>();
  for (const name of Object.keys(manifest.files)) files.set(name, await disk.read(`/package/${name}`));
  return versionOf(manifest, version, files);
}

/** A package whose files are a few bytes each, two of them in a folder: enough for whatever never runs it. */
export async function smallPackageOf(version: string): Promise<Version> {
  const producer = Buffer.from(`producer ${version}`);
  const files = new Map([
    // An ONNX model of nothing but its field `producer_name`, 2.
    ['model.onnx', Buffer.concat([Buffer.of(0x12, producer.length), producer])],
    ...['golden/0', 'golden/1'].map((name) => [name, Buffer.from(`${name} of ${version}`)] as const),
  ]);
  const manifest = await defaultManifest();
  return versionOf({ ...manifest, golden: { ...manifest.golden, samples: [] } }, version, files);
}

const defaultManifest = async (): Promise<Manifest> =>
  Manifest.parse(JSON.parse((await diskFiles.read(`${DEFAULT_PACKAGE}/manifest.json`)).toString('utf8')));

function versionOf(manifest: Manifest, version: string, files: ReadonlyMap<string, Buffer>): Version {
  const entries = [...files].map(([name, bytes]) => [name, { digest: digestOf(bytes), bytes: bytes.length }] as const);
  const text = Buffer.from(JSON.stringify({ ...manifest, name: MODEL, version, files: Object.fromEntries(entries) }));
  return { version, digest: digestOf(text), files: new Map([['manifest.json', text], ...files]) };
}

async function write(files: FileSystem, dir: string, content: Version['files']): Promise<void> {
  const folders = new Set([dir]);
  for (const [name, bytes] of content) {
    const path = `${dir}/${name}`;
    const parent = path.slice(0, path.lastIndexOf('/'));
    if (!folders.has(parent)) await files.makeFolder(parent);
    folders.add(parent);
    const file = await files.open(path, 'new');
    await file.write(bytes);
    await file.sync();
    await file.close();
  }
  for (const folder of [...folders].reverse()) await files.syncFolder(folder);
}

/** A box as it leaves the workshop: factory package, empty store. */
export async function factoryDisk(factory: Version): Promise<MemoryFiles> {
  const files = new MemoryFiles();
  await files.makeFolder(`${ROOT}/factory`);
  const dir = `${ROOT}/factory/${MODEL}`;
  await files.makeFolder(dir);
  await write(files, dir, factory.files);
  files.flushAll();
  return files;
}

export const storeOn = (files: FileSystem): ModelStore => new ModelStore(files, ROOT, MODEL, () => AT);

async function install(
  files: FileSystem,
  store: ModelStore,
  { version, digest, files: content }: Version,
  job: number,
) {
  const { slot, dir } = await store.beginWriting({ name: MODEL, version, digest }, job);
  await write(files, dir, content);
  await store.finishWriting(slot);
  await store.beginTrial(slot);
  return slot;
}

/**
 * A year in the life of a box: two versions earn their place, a third fails its trial, the second is taken back, a fourth comes.
 *
 * @param promise called with what holds from then on; before an act that changes what runs, both sides are allowed
 */
export async function yearOfBox(
  files: FileSystem,
  [one, two, three, four]: readonly [Version, Version, Version, Version],
  promise: (promised: Promised) => void,
): Promise<void> {
  const store = storeOn(files);
  let now: Promised = { runs: ['factory'], highestJob: 0, bad: [] };
  const from = (change: Partial<Promised>): void => {
    now = { ...now, ...change };
    promise(now);
  };
  promise(now);
  await store.open();
  promise(now);
  const job = async (number: number, version: string): Promise<void> => {
    await store.jobs.accept({ job: number, rollout: 'r', version, outcome: 'open' });
    from({ highestJob: number });
  };
  await job(1, one.version);
  const first = await install(files, store, one, 1);
  from({ runs: ['factory', one.version] });
  await store.promote(first);
  from({ runs: [one.version] });
  await store.jobs.close('promoted');
  await job(2, two.version);
  const second = await install(files, store, two, 2);
  from({ runs: [one.version, two.version] });
  await store.promote(second);
  from({ runs: [two.version] });
  await store.jobs.close('promoted');
  await job(3, three.version);
  const third = await install(files, store, three, 3);
  await store.reject(third, 'TRIAL_SLOWER');
  from({ bad: [three.digest] });
  await store.discard(third);
  from({ runs: [two.version, 'factory'] });
  await store.rollBack('the office asked for it');
  from({ runs: ['factory'] });
  await job(4, four.version);
  const fourth = await install(files, store, four, 4);
  from({ runs: ['factory', four.version] });
  await store.promote(fourth);
  from({ runs: [four.version] });
}

/** What a box does after a cut: puts its store in order, runs what it finds, and takes the next version. @returns what is wrong */
export async function faultsAfter(
  files: MemoryFiles,
  promised: Promised,
  next: Version,
): Promise<{ readonly faults: readonly string[]; readonly ran: string | undefined; readonly dir: string | undefined }> {
  const faults: string[] = [];
  const store = storeOn(files);
  // The daemon does not wait for the agent: it finds a model before anything is put in order.
  const before = await store.runnable();
  await store.open();
  const found = await store.runnable();
  const ran = found === undefined ? undefined : found.place === 'factory' ? 'factory' : found.manifest.version;
  if (before === undefined || found === undefined) faults.push('no working model');
  if (before?.dir !== found?.dir)
    faults.push(`putting the store in order changed what runs: ${before?.dir}, ${found?.dir}`);
  if (ran !== undefined && !promised.runs.includes(ran))
    faults.push(`runs ${ran}, promised ${promised.runs.join(' or ')}`);
  const { jobs, bad } = await store.snapshot();
  if (jobs.highest < promised.highestJob) faults.push(`job ${promised.highestJob} is forgotten`);
  for (const digest of promised.bad) {
    if (!bad.models.some((model) => model.digest === digest)) faults.push(`bad model ${digest} is forgotten`);
  }
  try {
    await store.jobs.accept({ job: 1000, rollout: 'r', version: next.version, outcome: 'open' });
    await store.promote(await install(files, store, next, 1000));
    const after = await store.runnable();
    if (after?.manifest.version !== next.version)
      faults.push(`the next update does not run: ${after?.manifest.version}`);
  } catch (cause) {
    faults.push(`the next update is blocked: ${String(cause)}`);
  }
  return { faults, ran, dir: found?.dir };
}
