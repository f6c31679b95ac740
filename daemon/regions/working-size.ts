import { frameNeeded, type Preprocessing } from '../../inference/preprocess.ts';
import type { WorkingSize } from '../camera/types.ts';
import type { CameraConfig } from '../config/schema.ts';
import { motionPlacesOf, regionsOf } from './regions.ts';

/**
 * Small regions of a model with a large input ask for more pixels than cameras have; enlarging costs time and adds nothing.
 * Beyond 1280 the camera's own size is taken.
 */
export const LARGEST_SIDE = 1280;

/** What the decoder of a camera scales to, so that no region has to be enlarged afterwards. */
export function workingSizeOf(preprocessing: Preprocessing, camera: CameraConfig): WorkingSize {
  // What moves is small, and nobody knows how small.
  if (motionPlacesOf(camera) !== undefined) return { inside: [LARGEST_SIDE, LARGEST_SIDE] };
  const boxes = regionsOf(camera).map((region) => region.box);
  const needed = frameNeeded(preprocessing, boxes);
  if (needed.kind === 'shorterSide') return { shorterSide: needed.shorterSide };
  if (Math.max(needed.width, needed.height) > LARGEST_SIDE) return 'native';
  return { width: needed.width, height: needed.height };
}
