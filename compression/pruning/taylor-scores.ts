import type { Batch } from '../../calibration/batches.ts';
import type { Dataset } from '../../calibration/dataset.ts';
import { overBatches } from '../../calibration/run-over.ts';
import { WaysideError } from '../../core/errors.ts';
import type { RunOptions } from '../../core/progress.ts';
import { sampleIndices, seededRandom } from '../../core/random.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import type { Model } from '../../onnx/graph.ts';
import { asFloat32 } from '../../onnx/tensor.ts';
import { crossEntropy } from '../autodiff/losses/cross-entropy.ts';
import { buildTrainingGraph, type TrainingGraph } from '../autodiff/training-graph.ts';
import { withLogits } from '../training/scores.ts';
import { stepPlan } from '../training/step-plan.ts';
import { openStepper } from '../training/stepper.ts';
import { weightsOf } from '../training/weights.ts';
import type { ChannelGroup } from './channels/groups.ts';
import type { Importance } from './criteria/criterion.ts';
import { visitElements, weightSlices } from './weight-slices.ts';

interface TaylorOptions extends RunOptions {
  readonly preprocessing: Preprocessing;
  /** Positions of the labelled images; whole batches of them are used. */
  readonly indices: readonly number[];
  /** Of their order: a set may be in the order of its classes. */
  readonly seed: number;
  readonly threads: number;
}

/** Gradients of a batch are a mean: of few images they are noise, of many nothing, since training has made them so. */
const BATCH = 32;

/**
 * What each channel of each group is worth by the Taylor criterion: the mean over batches of the first-order change of the
 * cross-entropy. Each batch is judged by its own gradients (Molchanov 2019): those of all images together vanish where a network
 * has been trained.
 *
 * @returns one number a channel, by the name of the group
 * @throws {WaysideError} MODEL_UNSUPPORTED for an operator without a gradient; DATASET_INVALID for a class the model does not know;
 *   SESSION_LOAD, SESSION_RUN; AbortError when `signal` aborts
 */
export async function taylorScores(
  model: Model,
  groups: readonly ChannelGroup[],
  dataset: Dataset,
  { indices, seed, threads, ...run }: TaylorOptions,
): Promise<Map<string, Float64Array>> {
  const batch = Math.min(BATCH, indices.length);
  const graph = buildTrainingGraph(withLogits(model), { batch, loss: crossEntropy, batchNorm: 'frozen' });
  const totals = new Map(groups.map(({ name, channels }) => [name, new Float64Array(channels.length)]));
  const order = sampleIndices(indices.length, indices.length, seededRandom(seed)).map((i) => indices[i]!);
  const weights = weightsOf(model, graph.parameters, graph.statistics);
  const stepper = await openStepper(await stepPlan(graph, weights), weights.values, threads);
  try {
    const see = async ({ tensor, labels }: Batch): Promise<void> => {
      const { gradients } = await stepper.step(tensor.data, oneHot(labels, classesOf(graph)));
      const change = firstOrderChange(new Map(graph.parameters.map(({ name }, i) => [name, gradients[i]!])));
      for (const group of groups) {
        const total = totals.get(group.name)!;
        change(model, group).forEach((score, channel) => {
          total[channel]! += score;
        });
      }
    };
    const whole = order.slice(0, order.length - (order.length % batch));
    await overBatches(dataset, batch, { ...run, indices: whole, stage: 'judging channels' }, see);
  } finally {
    await stepper.close();
  }
  return totals; // sums order channels as means do
}

const classesOf = ({ model, lossInputs }: TrainingGraph): number =>
  Number(model.graph.inputs.find(({ name }) => name === lossInputs[0])?.shape?.[1]);

function oneHot(labels: readonly number[], classes: number): Float32Array {
  const targets = new Float32Array(labels.length * classes);
  labels.forEach((label, i) => {
    if (label >= classes) {
      throw new WaysideError('DATASET_INVALID', {
        message: `an image is of class ${label}, but the model knows ${classes} classes`,
        hint: 'the data set belongs to another model',
      });
    }
    targets[i * classes + label] = 1;
  });
  return targets;
}

/**
 * First-order change of the loss when a channel is set to zero, |sum w g| (Molchanov 2019), averaged over its tensors.
 *
 * @param gradients of the loss by parameter, averaged over batches
 */
export const firstOrderChange =
  (gradients: ReadonlyMap<string, Float32Array>): Importance =>
  (model, { channels }) =>
    Float64Array.from(channels, (channel) => {
      let total = 0;
      let counted = 0;
      for (const { tensor, slices } of weightSlices(model, channel)) {
        const g = gradients.get(slices.initializer);
        if (g === undefined) continue;
        const w = asFloat32(tensor);
        let sum = 0;
        visitElements(tensor, slices, (i) => {
          sum += w[i]! * g[i]!;
        });
        total += Math.abs(sum);
        counted++;
      }
      return counted === 0 ? 0 : total / counted;
    });
