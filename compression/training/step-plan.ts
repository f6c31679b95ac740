import { encodeModel } from '../../onnx/file/write.ts';
import type { Model } from '../../onnx/graph.ts';
import { channelBlock, withBlockedConvolutions } from '../autodiff/blocked.ts';
import type { TrainingGraph } from '../autodiff/training-graph.ts';
import type { Weights } from './weights.ts';

interface Fed {
  readonly name: string;
  readonly dims: readonly number[];
}

interface Given {
  readonly name: string;
  /** Numbers in it. */
  readonly length: number;
}

/** What a training step takes and gives, by name: plain enough to be sent to another process. */
export interface StepPlan {
  /** Graph of loss and gradients, as bytes of an ONNX file. */
  readonly model: Uint8Array;
  readonly image: Fed;
  readonly targets: Fed;
  readonly parameters: readonly Fed[];
  readonly loss: string;
  /** Of each parameter, in their order. */
  readonly gradients: readonly Given[];
  /** Mean and variance of the batch at each normalisation, in turn. */
  readonly statistics: readonly Given[];
  /** The model whose answers are learned, as bytes, and where they are fed. */
  readonly teacher: { readonly model: Uint8Array; readonly scores: Fed } | undefined;
}

/** How steps of a training graph are run on this processor. */
export async function stepPlan(graph: TrainingGraph, weights: Weights, teacher?: Model): Promise<StepPlan> {
  const block = await channelBlock();
  const model = block === undefined ? graph.model : withBlockedConvolutions(graph.model, block);
  const fed = (name = ''): Fed => ({
    name,
    dims: (graph.model.graph.inputs.find((input) => input.name === name)?.shape ?? []) as readonly number[],
  });
  const [targets, scores] = graph.lossInputs;
  return {
    model: encodeModel(model),
    image: fed(graph.image),
    targets: fed(targets),
    parameters: graph.parameters.map(({ name, dims }) => ({ name, dims })),
    loss: graph.lossOutput,
    gradients: graph.gradients.map((name, i) => ({ name, length: weights.values[i]!.length })),
    statistics: graph.statistics
      .flatMap(({ batchMean, batchVariance }) => [batchMean, batchVariance])
      .map((name, i) => ({ name, length: weights.running[i]!.length })),
    teacher: teacher && { model: encodeModel(teacher), scores: fed(scores) },
  };
}
