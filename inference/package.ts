import { lstat, mkdir, open, readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { z } from 'zod';
import { isSystemError, messageOf, WaysideError } from '../core/errors.ts';
import { writeFolderAtomic } from '../core/files.ts';
import { type Digest, digestOf, digestOfFile } from '../core/hash.ts';
import { VERSION } from '../core/layout.ts';
import { modelBytes } from './external-data.ts';
// Not from golden.ts: who reads a package must not load ONNX Runtime with it.
import { GOLDEN_TOLERANCE, type GoldenSample } from './golden-sample.ts';
import { Manifest, PACKAGE_FORMAT } from './manifest.ts';

export { Manifest } from './manifest.ts';

const MANIFEST = 'manifest.json';
const MODEL = 'model.onnx';
const REPORT = 'report.html';
const GOLDEN = 'golden/';
/** A manifest holds a plan and some thousand labels: 16 MB is a hundred times that. */
const LARGEST_MANIFEST = 16 * 1024 * 1024;

/** A package on disk whose every byte was checked. */
export interface ModelPackage {
  readonly dir: string;
  readonly manifest: Manifest;
  readonly modelPath: string;
  /** Of `manifest.json`, and through it of every file: the identity of the package. */
  readonly digest: Digest;
  /** On disk, of everything needed to load the model: the package without its golden samples and report. */
  readonly bytes: number;
  readonly golden: readonly GoldenSample[];
}

/** What the writer of a package decides; the rest follows from the files. */
export interface PackageContents {
  readonly manifest: Omit<Manifest, 'format' | 'createdBy' | 'files' | 'golden'>;
  readonly model: Uint8Array;
  readonly golden: readonly GoldenSample[];
  /** @default GOLDEN_TOLERANCE */
  readonly goldenTolerance?: number;
  /** `report.html`. */
  readonly report?: string;
  /** Other files by their name inside the package: external data of the model, the plan, ... */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
}

function invalid(dir: string, message: string, hint?: string): WaysideError {
  return new WaysideError('PACKAGE_INVALID', {
    message: `${dir}: ${message}`,
    hint: hint ?? 'the package is damaged or was changed: copy or make it again',
  });
}

const issuesOf = (error: z.ZodError): string =>
  error.issues.map(({ path, message }) => `${path.join('.') || 'manifest'}: ${message}`).join('; ');

function parseManifest(dir: string, text: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(dir, `${MANIFEST} is not JSON: ${messageOf(cause)}`);
  }
  const format = typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined;
  if (typeof format === 'number' && format !== PACKAGE_FORMAT) {
    throw invalid(dir, `expected package format ${PACKAGE_FORMAT}, got ${format}`, 'update Wayside on this machine');
  }
  const parsed = Manifest.safeParse(value);
  if (!parsed.success) throw invalid(dir, `${MANIFEST}: ${issuesOf(parsed.error)}`);
  return parsed.data;
}

async function listFiles(dir: string, inside = ''): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await readdir(join(dir, inside), { withFileTypes: true })) {
    const name = inside + entry.name;
    if (entry.isDirectory()) names.push(...(await listFiles(dir, `${name}/`)));
    else if (entry.isFile()) names.push(name);
    else throw invalid(dir, `${name} is neither a file nor a folder`);
  }
  return names;
}

/** Everything that `manifest.files` names is there and unaltered, and nothing else is there. */
async function requireFiles(dir: string, { files }: Manifest): Promise<void> {
  const present = new Set(await listFiles(dir));
  present.delete(MANIFEST);
  for (const [name, { digest, bytes }] of Object.entries(files)) {
    if (!present.delete(name)) throw invalid(dir, `${name} is missing`);
    const { size } = await lstat(join(dir, name));
    if (size !== bytes) throw invalid(dir, `${name}: expected ${bytes} bytes, got ${size}`);
    const got = await digestOfFile(join(dir, name));
    if (got !== digest) throw invalid(dir, `${name}: expected ${digest}, got ${got}`);
  }
  const [extra] = present;
  if (extra !== undefined) throw invalid(dir, `${extra} is not named in the manifest`);
  if (files[MODEL] === undefined) throw invalid(dir, `the manifest names no ${MODEL}`);
}

async function readGolden(dir: string, { golden, files, output }: Manifest): Promise<GoldenSample[]> {
  const samples: GoldenSample[] = [];
  for (const { image, scores, width, height } of golden.samples) {
    if (files[image]?.bytes !== width * height * 3)
      throw invalid(dir, `${image}: expected ${width}x${height} RGB pixels`);
    if (files[scores]?.bytes !== output.classes * 4) throw invalid(dir, `${scores}: expected ${output.classes} scores`);
    const bytes = await readFile(join(dir, scores));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values = Float32Array.from({ length: output.classes }, (_, i) => view.getFloat32(i * 4, true));
    samples.push({ image: { width, height, data: await readFile(join(dir, image)) }, scores: values });
  }
  return samples;
}

const bytesToLoad = ({ files }: Manifest): number =>
  Object.entries(files).reduce(
    (sum, [name, { bytes }]) => (name.startsWith(GOLDEN) || name === REPORT ? sum : sum + bytes),
    0,
  );

/**
 * Opens a model package and checks all of it: the manifest's schema and format, that no file is missing, altered or
 * extra, that nothing is a link.
 *
 * @throws {WaysideError} FILE_NOT_FOUND, PACKAGE_INVALID
 */
export async function readPackage(dir: string): Promise<ModelPackage> {
  const path = join(dir, MANIFEST);
  let text: Buffer;
  try {
    const { size } = await lstat(path);
    if (size > LARGEST_MANIFEST) throw invalid(dir, `${MANIFEST}: ${size} bytes are more than ${LARGEST_MANIFEST}`);
    text = await readFile(path);
  } catch (cause) {
    if (cause instanceof WaysideError) throw cause;
    const hint = 'a model package is a folder with manifest.json and model.onnx in it';
    throw new WaysideError('FILE_NOT_FOUND', { message: `cannot read ${path}: ${messageOf(cause)}`, hint, cause });
  }
  const manifest = parseManifest(dir, text.toString('utf8'));
  await requireFiles(dir, manifest);
  const golden = await readGolden(dir, manifest);
  return { dir, manifest, modelPath: join(dir, MODEL), digest: digestOf(text), bytes: bytesToLoad(manifest), golden };
}

function goldenFiles(samples: readonly GoldenSample[]): {
  files: [string, Uint8Array][];
  entries: Manifest['golden']['samples'];
} {
  const files: [string, Uint8Array][] = [];
  const entries = samples.map(({ image: { width, height, data }, scores }, index) => {
    const stem = `${GOLDEN}${String(index).padStart(2, '0')}`;
    const values = new DataView(new ArrayBuffer(scores.length * 4));
    scores.forEach((score, i) => {
      values.setFloat32(i * 4, score, true);
    });
    files.push([`${stem}.rgb`, data.subarray(0, width * height * 3)], [`${stem}.f32`, new Uint8Array(values.buffer)]);
    return { image: `${stem}.rgb`, width, height, scores: `${stem}.f32` };
  });
  return { files, entries };
}

async function writeSynced(path: string, data: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const handle = await open(path, 'wx', 0o644);
  try {
    await handle.writeFile(data);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Writes a package: the whole folder appears at once, or not at all. The same contents give the same bytes.
 *
 * @throws {WaysideError} OUTPUT_EXISTS, FILE_WRITE_FAILED, PACKAGE_INVALID when the contents do not fit the schema
 */
export async function writePackage(
  dir: string,
  { manifest, model, golden, goldenTolerance = GOLDEN_TOLERANCE, report, files = {} }: PackageContents,
  { replace = false }: { readonly replace?: boolean } = {},
): Promise<ModelPackage> {
  const { files: goldenData, entries } = goldenFiles(golden);
  const all = new Map<string, string | Uint8Array>([[MODEL, model], ...Object.entries(files), ...goldenData]);
  if (report !== undefined) all.set(REPORT, report);
  const listed = [...all]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, data]) => {
      return [name, { digest: digestOf(data), bytes: Buffer.byteLength(data) }] as const;
    });
  const complete = Manifest.safeParse({
    format: PACKAGE_FORMAT,
    ...manifest,
    createdBy: `wayside ${VERSION}`,
    files: Object.fromEntries(listed),
    golden: { tolerance: goldenTolerance, samples: entries },
  });
  if (!complete.success) throw invalid(dir, issuesOf(complete.error), 'the package was not written');
  await writeFolderAtomic(
    dir,
    async (folder) => {
      for (const [name, data] of all) await writeSynced(join(folder, name), data);
      await writeSynced(join(folder, MANIFEST), `${JSON.stringify(complete.data, null, 2)}\n`);
    },
    { replace },
  );
  return readPackage(dir);
}

/** Bytes on disk of everything a box needs to load the model of a package. */
export const packageBytes = async (dir: string): Promise<number> => (await readPackage(dir)).bytes;

/** A model named on the command line: a package, or a bare ONNX file of which nothing else is known. */
export interface OpenedModel {
  readonly modelPath: string;
  /** On disk, of everything needed to load the model, external data included. */
  readonly bytes: number;
  readonly package: ModelPackage | undefined;
}

/**
 * Opens a package folder or a raw `.onnx` file.
 *
 * @throws {WaysideError} FILE_NOT_FOUND, PACKAGE_INVALID, MODEL_DECODE, EXTERNAL_DATA
 */
export async function openModel(path: string): Promise<OpenedModel> {
  try {
    if (!(await stat(path)).isDirectory())
      return { modelPath: path, bytes: await modelBytes(path), package: undefined };
  } catch (cause) {
    if (!isSystemError(cause, 'ENOENT', 'EACCES', 'ENOTDIR')) throw cause;
    throw new WaysideError('FILE_NOT_FOUND', { message: `cannot read ${path}: ${messageOf(cause)}`, cause });
  }
  const opened = await readPackage(path);
  return { modelPath: opened.modelPath, bytes: opened.bytes, package: opened };
}
