import { layersOf } from '../../compression/layers.ts';
import type { ChannelAnalysis } from '../../compression/pruning/channels/groups.ts';
import type { Evidence } from '../../compression/pruning/criteria/criterion.ts';
import type { LayerMoments } from '../../compression/pruning/obs/readers.ts';
import { loadImages } from '../../compression/pruning/reconstruct/images.ts';
import { type GroupSensitivity, measureSensitivity } from '../../compression/pruning/sensitivity.ts';
import { collectMoments } from '../../compression/rounding/collect.ts';
import { macsOf, typesOfOneImage } from '../../onnx/cost.ts';
import type { Model } from '../../onnx/graph.ts';
import type { PruneFinetuneContext } from './context.ts';

/** What channels of a model are judged by, from the images of a run. */
export function evidenceOf(model: Model, { groups }: ChannelAnalysis, context: PruneFinetuneContext): Evidence {
  let moments: Promise<LayerMoments> | undefined;
  return {
    ...context,
    model,
    groups,
    moments: () => {
      moments ??= momentsFor(model, context);
      return moments;
    },
  };
}

/**
 * Multiply-accumulates of the runs that moments are taken from: 2,048 images of VGG16 at 32x32 (6.4e11) take fewer, 170 of ResNet50 at 224x224
 * take all. Of more images fewer rows are drawn of each, and no more in all.
 */
const MOMENTS_MACS = 7e11;
/** The 7x7 places that the last layers of networks for photographs have give the rows they need from 118 images on. */
const FEWEST_FOR_MOMENTS = 128;

/** Moments of what every layer's weights are multiplied with, over the calibration images, or as many as the network's size allows. */
function momentsFor(model: Model, context: PruneFinetuneContext): Promise<LayerMoments> {
  const affordable = Math.floor(MOMENTS_MACS / macsOfOne(model));
  const indices = spread(context.indices, Math.max(FEWEST_FOR_MOMENTS, affordable));
  return collectMoments(model, layersOf(model.graph), context.train, { ...context, indices });
}

/** Every n-th of them, so that there are at most so many: they are in the order of the set, which may be that of the classes. */
function spread(indices: readonly number[], most: number): readonly number[] {
  const every = Math.ceil(indices.length / most);
  return every <= 1 ? indices : indices.filter((_, i) => i % every === 0);
}

const macsOfOne = (model: Model): number => Math.max(1, macsOf(model.graph, typesOfOneImage(model)) ?? 0);

/** Images that say how far answers move: one run over them a group and ratio. */
const SENSITIVITY_IMAGES = 256;
/**
 * Multiply-accumulates of all these runs: 256 images of ResNet56 (30 groups, 2.9e12) and of VGG16 at 32x32 (3.4e12) take fewer. ResNet50 at
 * 224x224 with 37 groups would take 1.2e14.
 */
const SENSITIVITY_MACS = 4e12;
const FEWEST_IMAGES = 8;
const RATIOS = 3;

/** As many images as the network's size allows. */
function sensitivityImages(model: Model, groups: number): number {
  const affordable = Math.floor(SENSITIVITY_MACS / (macsOfOne(model) * Math.max(1, groups * RATIOS)));
  return Math.max(FEWEST_IMAGES, Math.min(SENSITIVITY_IMAGES, affordable));
}

/** How far answers move when the least channels of one group go, by these scores, and its readers make up for them. */
export async function sensitivityBy(
  analysis: ChannelAnalysis,
  scores: readonly Float64Array[],
  { model, moments, train, preprocessing, indices, threads, signal, onProgress }: Evidence,
): Promise<GroupSensitivity[]> {
  const few = spread(indices, sensitivityImages(model, analysis.groups.length));
  return measureSensitivity(model, analysis, {
    images: await loadImages(train, preprocessing, few),
    importance: scores,
    moments: await moments(),
    threads,
    signal,
    onProgress,
  });
}
