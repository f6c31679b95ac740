import type { Dataset } from '../../calibration/dataset.ts';
import { openDataset } from '../../calibration/datasets/open.ts';
import { WaysideError } from '../../core/errors.ts';
import { runContext } from '../../core/run/context.ts';
import { classesOf } from '../../inference/heads/decode.ts';
import { HEADS, type HeadName } from '../../inference/heads/head.ts';
import { preparedBy } from '../../inference/heads/prepared.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import { openSession } from '../../inference/session.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import type { Model } from '../../onnx/graph.ts';
import type { RunLimits } from '../pipeline/limits.ts';
import { preprocessingOf } from '../pipeline/prepare.ts';
import { type QuantizedModel, quantizeByPlan } from '../pipeline/quantize-by-plan.ts';
import { heldOutIndices } from '../plan/calibration-samples.ts';
import type { CompressionPlan } from '../plan/plan.ts';
import { type PlanOptions, planOf } from '../plan/plan-of.ts';
import { checkFusion, type FusionReport, requireFused, withPlanned } from '../quantize/fusion.ts';
import { floatLayers } from '../quantize/precision.ts';
import { type FloatSource, readFloat } from '../reading/float-source.ts';
import { distance } from '../search/divergence.ts';
import { imagesOf, predictionsOf, spreadOver } from '../search/predictions.ts';
import { farInDistance } from '../verify/doubts.ts';
import { judgeLayers } from '../verify/judge-layers.ts';
import type { LayerErrors } from '../verify/layer-errors.ts';
import type { NoisyLayer } from '../verify/layer-noise.ts';
import { requireParity } from '../verify/parity.ts';
import { requireAnswers } from '../verify/require-answers.ts';
import { requireScores } from '../verify/require-scores.ts';
import { requireQuantizable, unquantized } from '../verify/unquantized.ts';
import type { FlowOptions } from './options.ts';

export interface QuantizeNetworkOptions
  extends Omit<FlowOptions, 'data' | 'limit' | 'labels'>,
    Pick<PlanOptions, 'plan' | 'calibration' | 'clusters' | 'seed' | 'range' | 'rounding' | 'target' | 'equalize'>,
    Omit<RunLimits, 'budget'> {
  /** Images like those the model will see: `images:DIR` (any folder, no labels), `video:FILE`, `cifar10:DIR`, or a set. */
  readonly data: string | Dataset;
  /** Of a detector: the boxes of its first output decide, and images are prepared as it wants them. @default the noise in all outputs */
  readonly head?: HeadName | undefined;
}

export interface QuantizedNetwork {
  readonly model: Model;
  readonly preprocessing: Preprocessing;
  /** Repeats it. */
  readonly plan: CompressionPlan;
  readonly fused: FusionReport;
  /**
   * How far its answers to held-out images are from the float model's (`distance`): nats of divergence for a classifier, share of
   * noise in the outputs for any other model.
   */
  readonly distance: number;
  /** Layers that are mostly noise beside the float model, where that was allowed. */
  readonly noisy: readonly NoisyLayer[];
  /** What makes one doubt it: answers far from the float model's. */
  readonly warnings: readonly string[];
  /** Images held out. */
  readonly samples: number;
  /** The float model as it was read, and simplified. */
  readonly source: FloatSource;
  /** All that was decided. */
  readonly quantized: QuantizedModel;
  readonly errors: LayerErrors;
  /** Of all, those that `samples` were taken from. */
  readonly images: Dataset;
}

/**
 * Layers that alone make a tenth of the answers noise stay in float. YOLOX-Nano: 6 of its 113, and the agreement of its boxes with
 * the float model's goes from an F1 of 0.69 to 0.94.
 */
const TOLERANCE = 0.1;

/**
 * Of boxes: the errors of layers add up, and those of a hundred layers that make a fortieth each are most of what is left. With a twentieth
 * YOLOX-Nano missed 97% of the float model's boxes; the layers that this keeps besides lie mostly between two that stay in float anyway,
 * where int8 is no quicker (`npm run bench -- yolox`).
 */
const BOX_TOLERANCE = 0.025;

/** For a model that normalises its images itself: 0 to 255, blue first as all families of heads want them. */
const BYTES = `bgr:0,0,0/${[1, 1, 1].map((top) => top / 255).join(',')}`;

/** Held-out images the distance is taken on, up to 64x64; fewer of larger ones. */
const JUDGED = 256;

/**
 * Quantizes any float ONNX model that takes an image, be it a classifier, a detector or anything else, by images without labels.
 * What is decided, is decided by how far the answers are from the float model's.
 *
 * @throws {WaysideError} FILE_NOT_FOUND, MODEL_*, DATASET_INVALID, PREPROCESS_MISMATCH, CLUSTER_INVALID, PARITY_FAILED,
 *   FUSION_INCOMPLETE and LAYERS_NOISY unless allowed; AbortError when `signal` aborts
 */
export async function quantizeNetwork(options: QuantizeNetworkOptions): Promise<QuantizedNetwork> {
  const usual = options.head === undefined ? TOLERANCE : BOX_TOLERANCE;
  // A plan has decided already, whether by a tolerance or by hand.
  const { tolerance = options.plan === undefined ? usual : undefined, allowFloat, allowNoisyLayers } = options;
  const head = options.head && HEADS[options.head].head;
  const outline = planOf(options);
  const context = runContext(options);
  const { threads, signal, log } = context;
  const { note } = log;
  const source = await readFloat(options.model, log, { signal, note, output: options.output });
  const { folded } = source;
  requireScores(source.model);
  await requireQuantizable(folded, { allowFloat, signal, note });
  const images = await imagesFrom(options.data);
  const preprocessing = await provenPreprocessing(source, { ...options, note });
  const most = Math.ceil(0.75 * images.size);
  const limits = { tolerance, allowNoisyLayers };
  const quantized = await quantizeByPlan(folded, images, outline, { ...limits, preprocessing, head, most }, context);
  const { plan, precisions } = quantized;
  const report = await checkFusion(encodeModel(quantized.model));
  const fused = withPlanned(report, quantized.model, floatLayers(precisions), unquantized(quantized.float));
  if (allowFloat !== true) requireFused(fused);
  await requireAnswers(quantized.model, images, preprocessing, 'the int8 model');
  const { noisy, errors } = await judgeLayers(quantized, images, preprocessing, limits, context);
  const indices = heldOutOf(images, plan, imagesOf(preprocessing, JUDGED));
  const asked = { dataset: images, indices, preprocessing, head, threads, signal };
  const expected = await predictionsOf(folded, asked);
  const away = distance(expected, await predictionsOf(quantized.model, asked));
  const far = farInDistance(away, expected.values === undefined);
  if (far !== undefined) note(`warning: ${far}`);
  return {
    model: quantized.model,
    preprocessing,
    plan,
    fused,
    distance: away,
    noisy,
    warnings: far === undefined ? [] : [far],
    samples: indices.length,
    ...{ source, quantized, errors, images },
  };
}

/** Images that nothing was calibrated on, spread evenly. */
export const heldOutOf = (images: Dataset, plan: CompressionPlan, most: number): number[] =>
  spreadOver(heldOutIndices(images, plan), most);

async function imagesFrom(data: string | Dataset): Promise<Dataset> {
  const images = typeof data === 'string' ? await openDataset(data, 'train', { unlabelled: true }) : data;
  if (images.size > 0) return images;
  throw new WaysideError('DATASET_INVALID', { message: `${images.name} holds no images` });
}

async function provenPreprocessing(
  { model, folded, original, wantsBytes }: FloatSource,
  options: Parameters<typeof preprocessingOf>[1] & Pick<QuantizeNetworkOptions, 'head'>,
): Promise<Preprocessing> {
  const session = await openSession(original, { threads: 1 });
  try {
    const { head, preprocessing: given, normalize, size } = options;
    const preprocessing =
      head === undefined || given !== undefined
        ? preprocessingOf(session.input, options, wantsBytes, model.metadata)
        : preparedBy(session.input, { head, size, normalize: wantsBytes ? BYTES : normalize }).preprocessing;
    if (head !== undefined) classesOf(session.output.shape, HEADS[head].head, preprocessing.size);
    await requireParity(session, folded, preprocessing);
    return preprocessing;
  } finally {
    await session.close();
  }
}
