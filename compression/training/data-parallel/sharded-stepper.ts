import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { elementCount } from '../../../onnx/tensor.ts';
import type { StepPlan } from '../step-plan.ts';
import type { Stepper } from '../stepper.ts';
import {
  consecutive,
  exchangeFolder,
  floatsIn,
  GRADIENTS_FILE,
  readFloats,
  shardFile,
  WEIGHTS_FILE,
  writeFloats,
} from './exchange.ts';
import { scratchFolder } from './scratch-folder.ts';
import { type Shard, startShard } from './shard.ts';
import { pooledStatistics } from './statistics.ts';

/**
 * Forward and backward of a batch by processes that each take an equal part of it, with weights of their own that they are handed
 * at every step (a session in each of several threads crashes: microsoft/onnxruntime#24486). Gradients are the mean of theirs,
 * added up in one order, by each process for a share of the weights; a normalisation in training takes its statistics from a part
 * alone ("ghost" normalisation, Hoffer 2017).
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
  const [ofImage, ofTargets] = [elementCount(plan.image.dims), elementCount(plan.targets.dims)];
  const [weights, results] = [floatsIn(plan.gradients), floatsIn(plan.statistics)];
  const bytes = 4 * (2 * weights + shards * (ofImage + ofTargets + weights + results));
  const scratch = await scratchFolder(exchangeFolder(bytes));
  const folder = scratch.path;
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
    const [weightsFile, meanFile] = [create(WEIGHTS_FILE), create(GRADIENTS_FILE)];
    const shardFiles = Array.from({ length: shards }, (_, shard) => create(shardFile(shard)));
    children.push(...shardFiles.map(() => startShard()));
    await Promise.all(children.map((child, shard) => child.begin({ plan, folder, shard, shards, threads })));
    const mean = new Float32Array(weights);
    const gradients = consecutive(mean, parameters);
    const statistics = shardFiles.map(() => new Float32Array(results));
    const parts = statistics.map((numbers) => consecutive(numbers, channels));
    return {
      async step(data, targets) {
        writeFloats(weightsFile, values);
        const steps = children.map((child, shard) => {
          const own = (all: Float32Array, length: number) => all.subarray(shard * length, (shard + 1) * length);
          writeFloats(shardFiles[shard]!, [own(data, ofImage), own(targets, ofTargets)]);
          return child.step();
        });
        const losses = await Promise.all(steps);
        await Promise.all(children.map((child) => child.mean()));
        readFloats(meanFile, mean);
        shardFiles.forEach((file, shard) => {
          readFloats(file, statistics[shard]!, ofImage + ofTargets + weights);
        });
        const loss = losses.reduce((sum, each) => sum + each, 0) / shards;
        return { loss, gradients, statistics: pooledStatistics(parts) };
      },
      close,
    };
  } catch (thrown) {
    await close();
    throw thrown;
  } finally {
    await scratch.remove(); // open files stay, and nothing is left where this process is killed
  }
}
