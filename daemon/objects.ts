import type { Body } from '../contract/messenger.ts';
import type { Box } from '../inference/image.ts';
import { labelOf } from '../inference/scores.ts';
import type { Config } from './config/schema.ts';
import { detectionsBody, leastScore, roundedScore } from './detections.ts';
import type { SeenFrame } from './features/feature.ts';
import { isIn } from './regions/regions.ts';
import type { Point } from './vision/geometry.ts';

/** A share of the image; what reaches beyond it ends at its edge. */
const shareOf = (value: number): number => Math.round(Math.max(0, Math.min(1, value)) * 1e4) / 1e4;

function boxInside([x, y, w, h]: Box): [number, number, number, number] {
  const [left, top] = [shareOf(x), shareOf(y)];
  return [left, top, shareOf(shareOf(x + w) - left), shareOf(shareOf(y + h) - top)];
}

/**
 * Objects that are believed and were seen clearly enough, or whose track is.
 *
 * @param now ms of `performance.now()`, just before the message is handed over
 */
export function objectsBody(analysed: SeenFrame, config: Config, now: number): Body<'detections'> {
  const { frame, result, seen, scheme } = analysed;
  const configured = config.cameras.find(({ id }) => id === frame.camera);
  const regions = configured?.regions ?? [];
  return {
    ...detectionsBody(frame.proposals === undefined ? { ...frame, regions: [] } : frame, result, now),
    objects: seen.objects.flatMap(({ id, classIndex, score, box, speed, confirmed }) => {
      const name = scheme.classes[classIndex] ?? labelOf(undefined, classIndex);
      if (!confirmed || score < leastScore(frame.ready, name, configured?.threshold)) return [];
      const ground: Point = [box[0] + box[2] / 2, box[1] + box[3]];
      const region = regions.find((each) => isIn(each, ground));
      return [
        {
          track: id,
          class: name,
          score: roundedScore(score),
          box: boxInside(box),
          region: region?.name ?? null,
          speed: speed === undefined ? null : Math.round(speed * 100) / 100,
        },
      ];
    }),
  };
}
