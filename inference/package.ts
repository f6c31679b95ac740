import { mkdir, open, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isSystemError, messageOf, WaysideError } from '../core/errors.ts';
import { writeFolderAtomic } from '../core/files.ts';
import { digestOf } from '../core/hash.ts';
import { VERSION } from '../core/layout.ts';
import { modelBytes } from './external-data.ts';
// Not from golden.ts: who writes a package must not load ONNX Runtime with it.
import { GOLDEN_TOLERANCE, type GoldenSample } from './golden-sample.ts';
import { Manifest } from './manifest.ts';
import {
  GOLDEN,
  invalidPackage,
  issuesOf,
  MANIFEST,
  MODEL,
  type ModelPackage,
  REPORT,
  readPackage,
} from './read-package.ts';

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
    format: manifest.task === undefined ? 1 : 2,
    ...manifest,
    createdBy: `wayside ${VERSION}`,
    files: Object.fromEntries(listed),
    golden: { tolerance: goldenTolerance, samples: entries },
  });
  if (!complete.success) throw invalidPackage(dir, issuesOf(complete.error), 'the package was not written');
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
