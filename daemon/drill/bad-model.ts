import { chmod, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ErrorCode } from '../../core/error-codes.ts';
import { asWaysideError, WaysideError } from '../../core/errors.ts';
import { writeFolderAtomic } from '../../core/files.ts';
import { digestOf } from '../../core/hash.ts';
import type { Manifest } from '../../inference/manifest.ts';
import { readPackage, SIGNATURE } from '../../inference/read-package.ts';
import type { ModelSettings } from '../model/places.ts';
import { Prober } from '../probe/prober.ts';

export interface RunningModel {
  /** Folder of the package that runs; undefined where none does. */
  readonly running: string | undefined;
  /** What the daemon's configuration says of its model. */
  readonly settings: ModelSettings;
}

/** What became of a model that was offered: `refused` and why, `taken` although it is bad, or `skipped` and why. */
export interface Offered {
  readonly outcome: 'refused' | 'taken' | 'skipped';
  readonly words: string;
}

/** Why a package is not run that this box must not run. */
const REFUSALS: readonly string[] = ['GOLDEN_MISMATCH', 'SIGNATURE_MISSING', 'SIGNATURE_INVALID'] satisfies ErrorCode[];

/**
 * Offers this box a package that answers otherwise than it says: that which runs, with other golden samples. It goes the way of a package
 * that the configuration names, in a process of the daemon's user on this processor, beside the daemon, which hears nothing of it: the
 * agent would try none that its repository has not signed (`writeBadModel`). Where the box names keys, it is offered unsigned first.
 */
export async function offerBadModel({ running, settings }: RunningModel, signal: AbortSignal): Promise<Offered> {
  if (running === undefined) return { outcome: 'skipped', words: 'no model runs' };
  const folder = await mkdtemp(join(tmpdir(), 'wayside-drill-'));
  try {
    const bad = join(folder, 'bad');
    await cp(running, bad, { recursive: true });
    if ((await spoil(bad)) === 0)
      return { outcome: 'skipped', words: 'the golden samples of what runs hold no answer' };
    await chmod(folder, 0o755); // the daemon's user reads it
    const { keys, store: _, name: __, package: ___, ...model } = settings.config.model;
    const offers = [...(keys === undefined ? [] : [{ ...model, keys, package: bad }]), { ...model, package: bad }];
    const prober = await Prober.create();
    const said: string[] = [];
    for (const each of offers) {
      const code = await refusalOf(() =>
        prober.ask('model', { config: { model: each }, folder: settings.folder }, signal),
      );
      if (code === undefined) return { outcome: 'taken', words: 'a package that answers wrongly was taken' };
      said.push(code);
    }
    return { outcome: 'refused', words: said.join(', ') };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function refusalOf(ask: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await ask();
    return undefined;
  } catch (thrown) {
    const error = asWaysideError(thrown);
    if (!REFUSALS.includes(error.code)) throw error; // not refused: not looked at
    return error.code;
  }
}

/**
 * Writes a copy of a package that answers otherwise than it says, for the office to sign: what an agent fetches is what was signed, and
 * the box has to find out by itself. Its version comes before that of the package (`2-drill` before `2`), so that no box takes it for
 * newer and fetches it unasked.
 *
 * @throws {WaysideError} PACKAGE_INVALID, FILE_NOT_FOUND, OUTPUT_EXISTS
 */
export async function writeBadModel(from: string, out: string): Promise<{ name: string; version: string }> {
  const { manifest } = await readPackage(from);
  const version = `${manifest.version}-drill`;
  await writeFolderAtomic(out, async (dir) => {
    await cp(from, dir, { recursive: true });
    await rm(join(dir, SIGNATURE), { force: true });
    if ((await spoil(dir, version)) === 0)
      throw new WaysideError('PACKAGE_INVALID', {
        message: `${from}: its golden samples hold no answer to make wrong`,
      });
  });
  return { name: manifest.name, version };
}

/**
 * Every number of the golden samples negated: what the model says of their images is nowhere near. The manifest names the files as they
 * are, as in a package that somebody made so.
 *
 * @returns how many there were
 */
async function spoil(dir: string, version?: string): Promise<number> {
  const path = join(dir, 'manifest.json');
  const manifest = JSON.parse(await readFile(path, 'utf8')) as Manifest;
  const files: Record<string, Manifest['files'][string]> = { ...manifest.files };
  let numbers = 0;
  for (const { scores } of manifest.golden.samples) {
    const bytes = await readFile(join(dir, scores));
    for (let at = 0; at < bytes.length; at += 4) bytes.writeFloatLE(-bytes.readFloatLE(at), at);
    numbers += bytes.length / 4;
    await writeFile(join(dir, scores), bytes);
    files[scores] = { digest: digestOf(bytes), bytes: bytes.length };
  }
  const document = { ...manifest, ...(version !== undefined && { version }), files };
  await writeFile(path, JSON.stringify(document));
  return numbers;
}
