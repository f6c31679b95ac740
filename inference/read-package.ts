import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { messageOf, WaysideError } from '../core/errors.ts';
import { type RandomAccess, withFile } from '../core/file-system.ts';
import { type Digest, digestOf, digestOfFile } from '../core/hash.ts';
import { GOLDEN_VALUES, type GoldenSample } from './golden-sample.ts';
import { outputLength } from './heads/any-head.ts';
import { Manifest, PACKAGE_FORMAT, TASKS } from './manifest.ts';
import { modelFileFault } from './model-file/check.ts';

export const MANIFEST = 'manifest.json';
export const MODEL = 'model.onnx';
export const REPORT = 'report.html';
/** Bill of materials in CycloneDX: who made what from what. */
export const SBOM = 'sbom.json';
export const GOLDEN = 'golden/';
/** OpenSSF Model Signing: signs the manifest and all other files, and so is named in none of them. */
export const SIGNATURE = 'model.sig';
/** A manifest holds a plan and some thousand labels: 16 MB is a hundred times that. */
export const LARGEST_MANIFEST = 16 * 1024 * 1024;

/** A package on disk whose every byte was checked. */
export interface ModelPackage {
  readonly dir: string;
  readonly manifest: Manifest;
  readonly modelPath: string;
  /** Of `manifest.json`, and through it of every file: the identity of the package. */
  readonly digest: Digest;
  /** On disk, of everything needed to load the model: the package without its golden samples, report and bill of materials. */
  readonly bytes: number;
  readonly golden: readonly GoldenSample[];
}

export function invalidPackage(dir: string, message: string, hint?: string): WaysideError {
  return new WaysideError('PACKAGE_INVALID', {
    message: `${dir}: ${message}`,
    hint: hint ?? 'the package is damaged or was changed: copy or make it again',
  });
}

export const issuesOf = (error: z.ZodError): string =>
  error.issues.map(({ path, message }) => `${path.join('.') || 'manifest'}: ${message}`).join('; ');

/** A newer format or another task is a matter of versions, not of damage. */
function requireKnown(dir: string, value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  const { format, task }: { readonly format?: unknown; readonly task?: unknown } = value;
  const hint = 'update Wayside on this machine';
  if (typeof format === 'number' && format > PACKAGE_FORMAT)
    throw invalidPackage(dir, `expected package format up to ${PACKAGE_FORMAT}, got ${format}`, hint);
  if ((format === 2) !== (task !== undefined))
    throw invalidPackage(dir, `${MANIFEST}: format 2 names the task of the model, format 1 does not`);
  if (typeof task === 'string' && !TASKS.some((known) => known === task))
    throw invalidPackage(dir, `the model is for the task ${JSON.stringify(task)}; known are ${TASKS.join(', ')}`, hint);
}

export function parseManifest(dir: string, text: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalidPackage(dir, `${MANIFEST} is not JSON: ${messageOf(cause)}`);
  }
  requireKnown(dir, value);
  const parsed = Manifest.safeParse(value);
  if (!parsed.success) throw invalidPackage(dir, `${MANIFEST}: ${issuesOf(parsed.error)}`);
  return parsed.data;
}

async function listFiles(dir: string, inside = ''): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await readdir(join(dir, inside), { withFileTypes: true })) {
    const name = inside + entry.name;
    if (entry.isDirectory()) names.push(...(await listFiles(dir, `${name}/`)));
    else if (entry.isFile()) names.push(name);
    else throw invalidPackage(dir, `${name} is neither a file nor a folder`);
  }
  return names;
}

/** Everything that `manifest.files` names is there and unaltered, and nothing else is there. */
async function requireFiles(dir: string, { files }: Manifest): Promise<void> {
  const present = new Set(await listFiles(dir));
  present.delete(MANIFEST);
  present.delete(SIGNATURE);
  for (const [name, { digest, bytes }] of Object.entries(files)) {
    if (!present.delete(name)) throw invalidPackage(dir, `${name} is missing`);
    const { size } = await lstat(join(dir, name));
    if (size !== bytes) throw invalidPackage(dir, `${name}: expected ${bytes} bytes, got ${size}`);
    const got = await digestOfFile(join(dir, name));
    if (got !== digest) throw invalidPackage(dir, `${name}: expected ${digest}, got ${got}`);
  }
  const [extra] = present;
  if (extra !== undefined) throw invalidPackage(dir, `${extra} is not named in the manifest`);
  if (files[MODEL] === undefined) throw invalidPackage(dir, `the manifest names no ${MODEL}`);
}

/** Numbers that the model gives of one image; of a detector it depends on the image's size, undefined here. */
function outputsOf({ task, head, output, preprocessing }: Manifest): number | undefined {
  if (head === undefined) return output.classes;
  return task === 'detector' ? undefined : outputLength(head, preprocessing.size, output.classes);
}

/** @throws {WaysideError} PACKAGE_INVALID where golden samples cannot have the sizes that the manifest gives them */
export function requireGoldenSizes(dir: string, manifest: Manifest): void {
  const { golden, files, head } = manifest;
  const length = outputsOf(manifest);
  for (const { image, scores, width, height } of golden.samples) {
    if (files[image]?.bytes !== width * height * 3)
      throw invalidPackage(dir, `${image}: expected ${width}x${height} RGB pixels`);
    const bytes = files[scores]?.bytes ?? 0;
    if (length !== undefined && bytes === length * 4) continue;
    if (head === undefined) throw invalidPackage(dir, `${scores}: expected ${length} scores`);
    if (bytes % (GOLDEN_VALUES * 4) !== 0)
      throw invalidPackage(dir, `${scores}: expected boxes of ${GOLDEN_VALUES} values`);
  }
}

/** @throws {WaysideError} PACKAGE_INVALID for a model that no runtime may be given, whoever signed it */
export function requireHarmlessModel(dir: string, { files }: Manifest, model: Uint8Array | RandomAccess): void {
  const fault = modelFileFault(model, new Map(Object.entries(files).map(([name, { bytes }]) => [name, bytes])));
  if (fault !== undefined) throw invalidPackage(dir, `${MODEL}: ${fault}`, 'do not load it; ask who made it');
}

async function readGolden(dir: string, manifest: Manifest): Promise<GoldenSample[]> {
  requireGoldenSizes(dir, manifest);
  const { golden } = manifest;
  const samples: GoldenSample[] = [];
  for (const { image, scores, width, height } of golden.samples) {
    const bytes = await readFile(join(dir, scores));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values = Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(i * 4, true));
    samples.push({ image: { width, height, data: await readFile(join(dir, image)) }, scores: values });
  }
  return samples;
}

const bytesToLoad = ({ files }: Manifest): number =>
  Object.entries(files).reduce(
    (sum, [name, { bytes }]) => (name.startsWith(GOLDEN) || name === REPORT || name === SBOM ? sum : sum + bytes),
    0,
  );

/**
 * Opens a model package and checks all of it: the manifest's schema and format, that no file is missing, altered or
 * extra, that nothing is a link, that the model file keeps to itself. A signature may be there: who trusts it checks it.
 *
 * @throws {WaysideError} FILE_NOT_FOUND, PACKAGE_INVALID
 */
export async function readPackage(dir: string): Promise<ModelPackage> {
  const path = join(dir, MANIFEST);
  let text: Buffer;
  try {
    const { size } = await lstat(path);
    if (size > LARGEST_MANIFEST)
      throw invalidPackage(dir, `${MANIFEST}: ${size} bytes are more than ${LARGEST_MANIFEST}`);
    text = await readFile(path);
  } catch (cause) {
    if (cause instanceof WaysideError) throw cause;
    const hint = 'a model package is a folder with manifest.json and model.onnx in it';
    throw new WaysideError('FILE_NOT_FOUND', { message: `cannot read ${path}: ${messageOf(cause)}`, hint, cause });
  }
  const manifest = parseManifest(dir, text.toString('utf8'));
  await requireFiles(dir, manifest);
  withFile(join(dir, MODEL), (model) => requireHarmlessModel(dir, manifest, model));
  const golden = await readGolden(dir, manifest);
  return { dir, manifest, modelPath: join(dir, MODEL), digest: digestOf(text), bytes: bytesToLoad(manifest), golden };
}
