import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../../core/hash.ts';
import { cifar10Folder } from './data.ts';
import { type TrainReport, waysideTrain } from './process/child.ts';
import type { Workplace } from './workplace.ts';

/** A network that `wayside train` makes for the benchmarks. */
export interface Training {
  readonly architecture: string;
  readonly options: readonly string[];
  /** A data set as `--data` takes it. @default CIFAR-10 */
  readonly data?: { readonly name: string; readonly spec: string };
}

export interface Trained {
  readonly model: string;
  /** What the training said of itself when it ended. */
  readonly report: TrainReport;
}

/**
 * Trains once for each list of options: model and report are kept in the cache. Interrupted, the next run goes on
 * from the checkpoint.
 */
export async function trainedNetwork({ architecture, options, data }: Training, place: Workplace): Promise<Trained> {
  const spec = data?.spec ?? `cifar10:${await cifar10Folder(place)}`;
  const folder = join(place.cache, 'trained');
  await mkdir(folder, { recursive: true });
  const key = digestOf([architecture, ...(data ? [data.name] : []), ...options].join(' ')).slice(
    'sha256:'.length,
    'sha256:'.length + 8,
  );
  const model = join(folder, `${architecture}-${key}.onnx`);
  const kept = join(folder, `${architecture}-${key}.json`);
  if (!existsSync(kept)) {
    place.say(`training ${architecture}`);
    const args = [architecture, '--data', spec, ...options, '--out', model, '--force'];
    await writeFile(kept, JSON.stringify(await waysideTrain(args, place), null, 2));
  }
  return { model, report: JSON.parse(await readFile(kept, 'utf8')) as TrainReport };
}
