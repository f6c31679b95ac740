import { digestOf } from '../../core/hash.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import type { Model } from '../../onnx/graph.ts';
import type { TrainingGraph } from '../autodiff/training-graph.ts';
import type { EpochReport } from './checkpoint.ts';
import type { TrainOptions } from './options.ts';
import type { Weights } from './weights.ts';

/** The weights of the best epoch so far. */
interface Best {
  readonly values: readonly Float32Array[];
  readonly running: readonly Float32Array[];
}

export const copyOf = ({ values, running }: Weights): Best => ({
  values: values.map((array) => array.slice()),
  running: running.map((array) => array.slice()),
});

export function keep(best: Best, { values, running }: Weights): void {
  copyInto(best.values, values);
  copyInto(best.running, running);
}

/** Writes one list of arrays over another of the same lengths. */
export function copyInto(target: readonly Float32Array[], source: readonly Float32Array[]): void {
  target.forEach((array, i) => {
    array.set(source[i]!);
  });
}

/** The epoch with the highest validation accuracy; the first of equals. */
export function bestOf(history: readonly EpochReport[]): EpochReport | undefined {
  return history.reduce<EpochReport | undefined>(
    (best, report) => (best === undefined || report.accuracy > best.accuracy ? report : best),
    undefined,
  );
}

/**
 * What decides the outcome of a training, in one digest: a checkpoint is only continued by the same run. The number of
 * threads belongs to it: sums over another division differ in their last bits.
 */
export function digestOfRun(model: Model, options: TrainOptions, graph: TrainingGraph, optimizer: string): string {
  const { images, validation, preprocessing, epochs, batch, rate, augmentation, batchNorm, seed, threads } = options;
  const { teacher, patience, schedule } = options;
  const decides = [
    digestOf(encodeModel(model)),
    digestOf(new Uint8Array(images.planes)),
    digestOf(new Uint8Array(images.labels)),
    [images.positions, validation.positions],
    preprocessing,
    { epochs, batch, rate, augmentation, batchNorm, seed, threads, patience, optimizer, schedule: schedule.name },
    graph.parameters.map(({ name }) => name),
    teacher && [digestOf(encodeModel(teacher.model)), teacher.temperature, teacher.weight],
  ];
  return digestOf(JSON.stringify(decides));
}
