import type { Box } from '../../inference/image.ts';
import type { ObjectTruth, SceneClass } from './types.ts';

/** An object counts in a region when its visible box covers at least this share of the region. */
export const LEAST_COVERAGE = 0.3;
/** Within this distance of the threshold, a person would not be sure either. */
const UNSURE = 0.1;
/** So is a region that another class covers at least this much of what the first covers. */
const RIVAL = 0.7;

interface RegionTruth {
  readonly class: SceneClass;
  /** Share of the region that the deciding object's visible box covers; the largest seen, where the region is empty. */
  readonly coverage: number;
  /** The rule decides, but narrowly: counted like every other frame, and shown apart as well. */
  readonly contested: boolean;
}

function coverage([ax, ay, aw, ah]: Box, [bx, by, bw, bh]: Box): number {
  const width = Math.min(ax + aw, bx + bw) - Math.max(ax, bx);
  const height = Math.min(ay + ah, by + bh) - Math.max(ay, by);
  return width <= 0 || height <= 0 ? 0 : (width * height) / (bw * bh);
}

/**
 * What a region shows: the class of the object whose visible box covers most of it, if that is at least
 * `LEAST_COVERAGE` of the region; otherwise `empty`. Between objects that cover it equally the better visible one wins.
 */
export function regionTruth(objects: readonly ObjectTruth[], region: Box): RegionTruth {
  const covering = objects
    .map((object) => ({ object, share: coverage(object.visibleBox, region) }))
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share || b.object.visibility - a.object.visibility);
  const first = covering[0];
  if (first === undefined) return { class: 'empty', coverage: 0, contested: false };
  const present = first.share >= LEAST_COVERAGE;
  const rival =
    present &&
    covering.some(({ object, share }) => object.class !== first.object.class && share >= RIVAL * first.share);
  return {
    class: present ? first.object.class : 'empty',
    coverage: first.share,
    contested: rival || Math.abs(first.share - LEAST_COVERAGE) < UNSURE,
  };
}
