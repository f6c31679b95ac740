import { type Box, WHOLE_FRAME } from '../inference/image.ts';
import { frameNeeded, type Preprocessing } from '../inference/preprocess.ts';
import type { WorkingSize } from './camera/types.ts';
import type { CameraConfig } from './config/schema.ts';

/** A region of a camera as it is analysed and published. */
export interface Region {
  readonly name: string;
  readonly box: Box;
}

/** The whole image goes by this name. */
const WHOLE: readonly Region[] = [{ name: 'frame', box: WHOLE_FRAME }];

export const regionsOf = ({ regions, proposals }: CameraConfig): readonly Region[] =>
  regions.length === 0 && proposals === undefined ? WHOLE : regions;

/**
 * Small regions of a model with a large input ask for more pixels than cameras have; enlarging costs time and adds nothing.
 * Beyond 1280 the camera's own size is taken.
 */
const LARGEST_SIDE = 1280;

/** What the decoder of a camera scales to, so that no region has to be enlarged afterwards. */
export function workingSizeOf(preprocessing: Preprocessing, camera: CameraConfig): WorkingSize {
  // What moves is small, and nobody knows how small.
  if (camera.proposals !== undefined) return { inside: [LARGEST_SIDE, LARGEST_SIDE] };
  const boxes = regionsOf(camera).map((region) => region.box);
  const needed = frameNeeded(preprocessing, boxes);
  if (needed.kind === 'shorterSide') return { shorterSide: needed.shorterSide };
  if (Math.max(needed.width, needed.height) > LARGEST_SIDE) return 'native';
  return { width: needed.width, height: needed.height };
}
