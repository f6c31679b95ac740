import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isSystemError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../core/files.ts';
import { digestOf } from '../../core/hash.ts';

/**
 * What finished stages have left beside the output, so that an interrupted run goes on where it was: `OUT.work/KEY/`, where the
 * key is a digest of everything that decides the stages in it. Files are written atomically: one that is there is whole.
 */
export class WorkFolder {
  readonly #root: string;
  readonly #folder: string;

  constructor(out: string, key: unknown) {
    this.#root = `${out}.work`;
    this.#folder = join(this.#root, digestOf(JSON.stringify(key)).replace('sha256:', '').slice(0, 16));
  }

  path(name: string): string {
    return join(this.#folder, name);
  }

  /** The model and the record a stage left; undefined where it has not finished, or left a record of another form. */
  async load<T>(stage: string, schema: z.ZodType<T>): Promise<{ model: Buffer; record: T } | undefined> {
    const text = await this.#read(`${stage}.json`);
    const model = await this.#read(`${stage}.onnx`);
    if (text === undefined || model === undefined) return undefined;
    const parsed = z.object({ digest: z.string(), record: schema }).safeParse(parsedJson(text.toString('utf8')));
    return parsed.success && parsed.data.digest === digestOf(model) ? { model, record: parsed.data.record } : undefined;
  }

  /** @throws {WaysideError} FILE_WRITE_FAILED */
  async save(stage: string, model: Uint8Array, record: unknown): Promise<void> {
    await this.open();
    await writeFileAtomic(this.path(`${stage}.onnx`), model);
    await writeFileAtomic(this.path(`${stage}.json`), JSON.stringify({ digest: digestOf(model), record }));
  }

  async open(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
  }

  /** After success: everything, also what runs with another plan have left. */
  async remove(): Promise<void> {
    await rm(this.#root, { recursive: true, force: true });
  }

  async #read(name: string): Promise<Buffer | undefined> {
    return readFile(this.path(name)).catch((error: unknown) => {
      if (isSystemError(error, 'ENOENT')) return undefined;
      throw error;
    });
  }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // as if it were not there: the stage is computed anew
  }
}
