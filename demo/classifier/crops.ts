import type { Random } from '../../core/random.ts';
import type { Box } from '../../inference/image.ts';
import { between } from '../scene/chance.ts';
import { boxOf, PLACES } from '../scene/regions.ts';
import type { Scene } from '../scene/scene.ts';
import { regionTruth } from '../scene/truth.ts';
import { CLASSES, type SceneFrame } from '../scene/types.ts';

export interface Crop {
  readonly box: Box;
  /** Index into `CLASSES`. */
  readonly label: number;
  readonly contested: boolean;
}

/** Regions smaller than this share of the frame show a handful of pixels. */
const LEAST_SIDE = 0.045;
/** How often a region is drawn anew to find one of the class whose turn it is. */
const ATTEMPTS = 8;

function inside(x: number, y: number, width: number, height: number): Box {
  const w = Math.min(1, Math.max(LEAST_SIDE, width));
  const h = Math.min(1, Math.max(LEAST_SIDE, height));
  return [Math.min(1 - w, Math.max(0, x)), Math.min(1 - h, Math.max(0, y)), w, h];
}

/** Moves a box by up to `shift` of its size and scales it by up to `scale` in each direction. */
function jitter([x, y, w, h]: Box, random: Random, shift: number, scale: number): Box {
  const width = w * (1 + between(random, -scale, scale));
  const height = h * (1 + between(random, -scale, scale));
  const dx = w * between(random, -shift, shift) + (w - width) / 2;
  const dy = h * between(random, -shift, shift) + (h - height) / 2;
  return inside(x + dx, y + dy, width, height);
}

/** A region as someone might draw it: where the demonstration looks, around something seen, or anywhere. */
function drawRegion(scene: Scene, frame: SceneFrame, random: Random): Box {
  const how = random.next();
  const place = PLACES[random.below(PLACES.length)];
  if (how < 0.8 && place !== undefined) return jitter(boxOf(scene.lens, place), random, 0.08, 0.1);
  const object = frame.objects[random.below(Math.max(1, frame.objects.length))];
  if (how < 0.95 && object !== undefined) return jitter(object.visibleBox, random, 0.25, 0.3);
  const width = between(random, 0.06, 0.3);
  return inside(random.next(), between(random, 0.2, 1), width, width * between(random, 0.8, 2.2));
}

/** Draws a region whose truth is `wanted`, or, where luck fails, whatever came last: the mix stays near even, nothing hard is left out. */
export function drawCrop(scene: Scene, frame: SceneFrame, wanted: number, random: Random): Crop {
  for (let attempt = 1; ; attempt++) {
    const box = drawRegion(scene, frame, random);
    const truth = regionTruth(frame.objects, box);
    const label = CLASSES.indexOf(truth.class);
    if (label === wanted || attempt === ATTEMPTS) return { box, label, contested: truth.contested };
  }
}
