import { usedCodes } from '../../compression/clustering/cluster.ts';
import { layersOf, weightRows } from '../../compression/layers.ts';
import { narrow } from '../../core/narrow.ts';
import { floatsOf, openSession, type Results } from '../../inference/session.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import type { Model } from '../../onnx/graph.ts';
import { float32Tensor } from '../../onnx/tensor.ts';
import { withoutDeadNodes } from '../passes/eliminate-dead.ts';
import { withGraph } from '../passes/rewrite.ts';
import type { DecidedWeights } from '../quantize/choose-weights.ts';
import type { ActivationScale } from '../quantize/scales.ts';
import type { FakeQuantizedModel } from './fake-quantize.ts';

/** What training made of what was decided: `quantizeModel` writes it as it is. */
interface TrainedWeights {
  readonly weights: ReadonlyMap<string, DecidedWeights>;
  readonly scales: ReadonlyMap<string, ActivationScale>;
}

/**
 * Reads codes, scales and biases off a trained simulation. They are what its own graph computes, so nothing is rounded a second
 * time.
 *
 * @param trained the simulation's model with trained parameters
 * @param model the float model that was simulated
 * @param decided what the simulation began with
 * @throws {WaysideError} SESSION_LOAD, SESSION_RUN
 */
export async function convert(
  trained: Model,
  { layers, scales }: FakeQuantizedModel,
  model: Model,
  decided: ReadonlyMap<string, DecidedWeights>,
): Promise<TrainedWeights> {
  const wanted = [
    ...[...layers.values()].flatMap(({ codes, scales, biasCodes }) => [codes, scales, biasCodes ?? '']),
    ...scales.map(({ scale }) => scale),
  ].filter((name) => name !== '');
  const found = await valuesOf(trained, wanted);
  const scaleOf = new Map(
    scales.flatMap(({ values, scale, zeroPoint }) => {
      const [size = 0] = floatsOf(found, scale);
      return values.map((value) => [value, { scale: size, zeroPoint }] as const);
    }),
  );
  const weights = new Map(
    layersOf(model.graph).flatMap((layer) => {
      const { name } = layer.node;
      const simulated = layers.get(name);
      const before = decided.get(name);
      if (simulated === undefined || before === undefined) return [];
      const stored = floatsOf(found, simulated.codes);
      const rows = weightRows({ ...layer, weights: float32Tensor(layer.weights.dims, stored) });
      const codes = narrow('int8', rows.length, (at) => rows[at]!, `the weight codes of ${name}`);
      const rowScales = floatsOf(found, simulated.scales).slice();
      const grid = scaleOf.get(layer.input)?.scale ?? 0;
      const bias =
        simulated.biasCodes === undefined
          ? undefined
          : floatsOf(found, simulated.biasCodes).map((code, row) => code * Math.fround(rowScales[row]! * grid));
      const { length } = before.codebooks;
      const codebooks = before.codebooks.map((_, group) =>
        usedCodes(codes.subarray((group * codes.length) / length, ((group + 1) * codes.length) / length)),
      );
      return [[name, { ...before, codes, scales: rowScales, bias, codebooks }] as const];
    }),
  );
  return { weights, scales: scaleOf };
}

/** Values that depend on constants alone. */
async function valuesOf(model: Model, names: readonly string[]): Promise<Results> {
  const outputs = [...new Set(names)].map((name) => ({ name, dtype: 'float32' as const, shape: null }));
  const graph = { ...model.graph, inputs: [], outputs };
  const session = await openSession(encodeModel(withGraph(model, { ...graph, ...withoutDeadNodes(graph) })));
  try {
    return await session.run({});
  } finally {
    await session.close();
  }
}
