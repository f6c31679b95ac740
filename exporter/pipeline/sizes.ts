import { measuredTypes } from '../../compression/pruning/measured-shapes.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import { macsOf } from '../../onnx/cost.ts';
import type { Model } from '../../onnx/graph.ts';
import { elementCount } from '../../onnx/tensor.ts';
import type { StageOutcome } from '../prune-finetune/outcome.ts';
import type { MeasuredSource } from './open-float.ts';

/** Multiplications and additions of one image, null where they cannot be counted, and numbers that were learnt. */
export async function sizesOf(
  model: Model,
  preprocessing: Pick<Preprocessing, 'size'>,
): Promise<Pick<StageOutcome, 'flops' | 'params'>> {
  const { graph } = model;
  const params = [...graph.initializers.values()].reduce(
    (sum, { dtype, dims }) => sum + (dtype === 'float32' ? elementCount(dims) : 0),
    0,
  );
  const macs = macsOf(graph, await measuredTypes(model, preprocessing));
  return { flops: macs === undefined ? null : 2 * macs, params };
}

/** The model as it was given, as the first of the stages. */
export async function floatOutcome({
  folded,
  preprocessing,
  figures: { top1, samples, bytes, latencyMs },
}: MeasuredSource): Promise<StageOutcome> {
  return { name: 'float', top1, samples, bytes, latencyMs, ...(await sizesOf(folded, preprocessing)), seconds: 0 };
}
