import { closeSync, openSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { StepPlan } from '../step-plan.ts';
import type { Stepper } from '../stepper.ts';
import { consecutive, exchangeFolder, floatsIn, readFloats, shardFile, WEIGHTS_FILE, writeFloats } from './exchange.ts';
import { type Shard, startShard } from './shard.ts';
import { pooledStatistics } from './statistics.ts';

/**
 * Forward and backward of a batch by processes that each take an equal part of it, with weights of their own that they are handed
 * at every step (a session in each of several threads crashes: microsoft/onnxruntime#24486). Gradients are the mean of theirs,
 * added up in one order; a normalisation in training takes its statistics from a part alone ("ghost" normalisation, Hoffer 2017).
 *
 * @param plan of one part of the batch
 * @param values one array a parameter, read at every step
 * @param threads inside each operator, in each process
 * @throws {WaysideError} TRAINING_LOST, SESSION_LOAD, FILE_WRITE_FAILED
 */
export async function openShardedStepper(
  plan: StepPlan,
  values: readonly Float32Array[],
  { shards, threads }: { readonly shards: number; readonly threads: number },
): Promise<Stepper> {
  const parameters = plan.gradients.map(({ length }) => length);
  const channels = plan.statistics.map(({ length }) => length);
  const [ofPicture, ofTargets] = [plan.picture, plan.targets].map(({ dims }) => dims.reduce((a, b) => a * b, 1)) as [
    number,
    number,
  ];
  const results = floatsIn(plan.gradients) + floatsIn(plan.statistics);
  const bytes = 4 * (floatsIn(plan.gradients) + shards * (ofPicture + ofTargets + results));
  const folder = await mkdtemp(join(exchangeFolder(bytes), 'wayside-training-'));
  const files: number[] = [];
  const create = (name: string): number => {
    const file = openSync(join(folder, name), 'wx+', 0o600);
    files.push(file);
    return file;
  };
  const children: Shard[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(children.map((child) => child.end()));
    for (const file of files.splice(0)) closeSync(file);
  };
  try {
    const weightsFile = create(WEIGHTS_FILE);
    const shardFiles = Array.from({ length: shards }, (_, shard) => create(shardFile(shard)));
    children.push(...shardFiles.map(() => startShard()));
    await Promise.all(children.map((child, shard) => child.begin({ plan, folder, shard, threads })));
    const memory = Array.from({ length: shards }, () => new Float32Array(results));
    const parts = memory.map((numbers) => consecutive(numbers, [...parameters, ...channels]));
    const gradients = parts[0]!.slice(0, parameters.length);
    return {
      async step(data, targets) {
        writeFloats(weightsFile, values);
        const steps = children.map((child, shard) => {
          const own = (all: Float32Array, length: number) => all.subarray(shard * length, (shard + 1) * length);
          writeFloats(shardFiles[shard]!, [own(data, ofPicture), own(targets, ofTargets)]);
          return child.step();
        });
        const losses = await Promise.all(steps);
        shardFiles.forEach((file, shard) => {
          readFloats(file, memory[shard]!, ofPicture + ofTargets);
        });
        mean(parts.map((part) => part.slice(0, parameters.length)));
        return {
          loss: losses.reduce((sum, loss) => sum + loss, 0) / shards,
          gradients,
          statistics: pooledStatistics(parts.map((part) => part.slice(parameters.length))),
        };
      },
      close,
    };
  } catch (thrown) {
    await close();
    throw thrown;
  } finally {
    await rm(folder, { recursive: true, force: true }); // open files stay, and nothing is left where this process is killed
  }
}

/** The mean of lists of arrays, in the place of the first. */
function mean([first = [], ...others]: readonly (readonly Float32Array[])[]): void {
  const share = 1 / (others.length + 1);
  first.forEach((array, i) => {
    for (const other of others) {
      const values = other[i]!;
      for (let j = 0; j < array.length; j++) array[j] = array[j]! + values[j]!;
    }
    for (let j = 0; j < array.length; j++) array[j] = array[j]! * share;
  });
}
