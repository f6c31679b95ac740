import { floatsOf, floatTensor, openSession, type RunTensor, type Session } from '../../inference/session.ts';
import type { StepPlan } from './step-plan.ts';

interface StepResult {
  readonly loss: number;
  /** Of each parameter, in the graph's order. */
  readonly gradients: readonly Float32Array[];
  /** Mean and variance of the batch at each normalisation, in turn. */
  readonly statistics: readonly Float32Array[];
}

/** Forward and backward of a batch. */
export interface Stepper {
  /** @throws {WaysideError} SESSION_RUN */
  step(data: Float32Array, targets: Float32Array): Promise<StepResult>;
  close(): Promise<void>;
}

/** A graph in which quantization is simulated is computed as it is written: fused to integer kernels, it would have no gradients. */
export const AS_WRITTEN = { 'session.disable_quant_qdq': '1' };

/**
 * Forward and backward in one run of ONNX Runtime.
 *
 * @param values one array a parameter, read at every step
 * @param threads inside each operator
 * @throws {WaysideError} SESSION_LOAD
 */
export async function openStepper(plan: StepPlan, values: readonly Float32Array[], threads: number): Promise<Stepper> {
  const { image, targets: wanted, teacher, loss, gradients, statistics } = plan;
  const session = await openSession(plan.model, { threads, config: AS_WRITTEN });
  const original = teacher && { ...teacher, session: await openSession(teacher.model, { threads }) };
  const feeds: Record<string, RunTensor> = {};
  plan.parameters.forEach(({ name, dims }, i) => {
    feeds[name] = floatTensor(values[i]!, dims);
  });
  const outputs = [loss, ...gradients.map(({ name }) => name), ...statistics.map(({ name }) => name)];
  return {
    async step(data, targets) {
      feeds[image.name] = floatTensor(data, image.dims);
      feeds[wanted.name] = floatTensor(targets, wanted.dims);
      if (original !== undefined) {
        const answers = await answersOf(original.session, data, image.dims);
        feeds[original.scores.name] = floatTensor(answers, original.scores.dims);
      }
      const results = await session.run(feeds, { outputs });
      return {
        loss: floatsOf(results, loss)[0]!,
        gradients: gradients.map(({ name }) => floatsOf(results, name)),
        statistics: statistics.map(({ name }) => floatsOf(results, name)),
      };
    },
    async close() {
      await session.close();
      await original?.session.close();
    },
  };
}

/** The teacher's scores for a batch. */
async function answersOf(teacher: Session, data: Float32Array, dims: readonly number[]): Promise<Float32Array> {
  const { name } = teacher.output;
  return floatsOf(await teacher.run({ [teacher.input.name]: floatTensor(data, dims) }, { outputs: [name] }), name);
}
