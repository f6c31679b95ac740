import { floatsOf, floatTensor, openSession, type RunTensor, type Session } from '../../inference/session.ts';
import type { Model } from '../../onnx/graph.ts';
import { encodeModel } from '../../onnx/write.ts';
import { channelBlock, withBlockedConvolutions } from '../gradient/blocked.ts';
import type { TrainingGraph } from '../gradient/training-graph.ts';
import type { Weights } from './weights.ts';

export interface StepResult {
  readonly loss: number;
  /** Of each parameter, in the graph's order. */
  readonly gradients: readonly Float32Array[];
  /** Mean and variance of the batch at each normalisation, in turn. */
  readonly statistics: readonly Float32Array[];
}

/** Forward and backward in one run of ONNX Runtime. */
export interface Stepper {
  /** @throws {WaysideError} SESSION_RUN */
  step(data: Float32Array, targets: Float32Array): Promise<StepResult>;
  close(): Promise<void>;
}

/** A graph in which quantization is simulated is computed as it is written: fused to integer kernels, it would have no gradients. */
export const AS_WRITTEN = { 'session.disable_quant_qdq': '1' };

export async function openStepper(
  graph: TrainingGraph,
  weights: Weights,
  { teacher, threads }: { readonly teacher?: Model | undefined; readonly threads: number },
): Promise<Stepper> {
  const block = await channelBlock();
  const model = block === undefined ? graph.model : withBlockedConvolutions(graph.model, block);
  const session = await openSession(encodeModel(model), { threads, config: AS_WRITTEN });
  const original = teacher && (await openSession(encodeModel(teacher), { threads }));
  const shapeOf = (name: string): readonly number[] =>
    (graph.model.graph.inputs.find((input) => input.name === name)?.shape ?? []) as readonly number[];
  const feeds: Record<string, RunTensor> = {};
  graph.parameters.forEach(({ name, dims }, i) => {
    feeds[name] = floatTensor(weights.values[i]!, dims);
  });
  const [targetsInput = '', teacherInput = ''] = graph.lossInputs;
  const statistics = graph.statistics.flatMap(({ batchMean, batchVariance }) => [batchMean, batchVariance]);
  const outputs = [graph.lossOutput, ...graph.gradients, ...statistics];
  return {
    async step(data, targets) {
      feeds[graph.picture] = floatTensor(data, shapeOf(graph.picture));
      feeds[targetsInput] = floatTensor(targets, shapeOf(targetsInput));
      if (original !== undefined) {
        feeds[teacherInput] = await answers(original, data, shapeOf(graph.picture), shapeOf(teacherInput));
      }
      const results = await session.run(feeds, { outputs });
      return {
        loss: floatsOf(results, graph.lossOutput)[0]!,
        gradients: graph.gradients.map((name) => floatsOf(results, name)),
        statistics: statistics.map((name) => floatsOf(results, name)),
      };
    },
    async close() {
      await session.close();
      await original?.close();
    },
  };
}

/** The teacher's scores for a batch. */
async function answers(
  teacher: Session,
  data: Float32Array,
  dims: readonly number[],
  shape: readonly number[],
): Promise<RunTensor> {
  const { name } = teacher.output;
  const results = await teacher.run({ [teacher.input.name]: floatTensor(data, dims) }, { outputs: [name] });
  return floatTensor(floatsOf(results, name), shape);
}
