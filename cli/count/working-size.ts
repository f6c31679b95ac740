import type { WorkingSize } from '../../daemon/camera/types.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';

/** What a decoder scales to: no larger than what the detector looks at, where that keeps the aspect. */
export function workingSizeFor({ resize, size: [height, width] }: Preprocessing): WorkingSize {
  return resize !== 'stretch' && 'letterbox' in resize ? { inside: [width, height] } : 'native';
}
