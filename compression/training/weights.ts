import type { Model } from '../../onnx/graph.ts';
import { asFloat32, float32Tensor } from '../../onnx/tensor.ts';
import type { Parameter } from '../autodiff/parameters.ts';
import type { BatchStatistics } from '../autodiff/training-graph.ts';

/** The numbers of a network while it learns: parameters, and running statistics of its normalisations. */
export interface Weights {
  readonly parameters: readonly Parameter[];
  /** One array a parameter, changed in place. */
  readonly values: readonly Float32Array[];
  readonly statistics: readonly BatchStatistics[];
  /** Mean and variance of each normalisation, in turn, changed in place. */
  readonly running: readonly Float32Array[];
}

const copyOf = (model: Model, name: string): Float32Array => {
  const tensor = model.graph.initializers.get(name);
  return tensor === undefined ? new Float32Array(0) : asFloat32(tensor).slice();
};

export function weightsOf(
  model: Model,
  parameters: readonly Parameter[],
  statistics: readonly BatchStatistics[],
): Weights {
  return {
    parameters,
    statistics,
    values: parameters.map(({ name }) => copyOf(model, name)),
    running: statistics.flatMap(({ mean, variance }) => [copyOf(model, mean), copyOf(model, variance)]),
  };
}

/** Momentum of running statistics, as everywhere (PyTorch's 0.1, ONNX's 0.9). */
const MOMENTUM = 0.1;

/** Moves the running statistics towards a batch's; the running variance is the unbiased one. */
export function updateRunning(weights: Weights, batch: readonly Float32Array[]): void {
  weights.running.forEach((running, i) => {
    const { count } = weights.statistics[i >> 1]!;
    const unbiased = i % 2 === 1 && count > 1 ? count / (count - 1) : 1;
    const seen = batch[i]!;
    for (let c = 0; c < running.length; c++) running[c] = (1 - MOMENTUM) * running[c]! + MOMENTUM * unbiased * seen[c]!;
  });
}

/** The model with these weights in place of its own. */
export function withWeights(model: Model, weights: Weights): Model {
  const initializers = new Map(model.graph.initializers);
  const put = (name: string, values: Float32Array): void => {
    const tensor = initializers.get(name);
    if (tensor !== undefined) initializers.set(name, float32Tensor(tensor.dims, values.slice()));
  };
  weights.parameters.forEach(({ name }, i) => {
    put(name, weights.values[i]!);
  });
  weights.statistics.forEach(({ mean, variance }, i) => {
    put(mean, weights.running[2 * i]!);
    put(variance, weights.running[2 * i + 1]!);
  });
  return { ...model, graph: { ...model.graph, initializers } };
}
