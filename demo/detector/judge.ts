import { averagePrecisions, meanPrecision } from '../../calibration/average-precision.ts';
import { createDetector } from '../../inference/heads/detector.ts';
import { openSession } from '../../inference/session.ts';
import type { StreetFrame } from './frames.ts';
import { HEAD, PREPROCESSING, ROAD_USERS } from './network.ts';
import { CLEARLY_VISIBLE } from './targets.ts';

interface DetectorJudgement {
  /** Mean average precision at an overlap of a half, 0 to 1. */
  readonly meanPrecision: number;
  readonly classes: readonly { readonly class: string; readonly objects: number; readonly precision: number }[];
}

/** How well a model finds what is there; what is hidden by two thirds is contested. */
export async function judgeDetector(
  model: string | Uint8Array,
  frames: readonly StreetFrame[],
): Promise<DetectorJudgement> {
  const session = await openSession(model, { threads: 1 });
  try {
    const detector = createDetector(session, HEAD, PREPROCESSING);
    const images = [];
    for (const { image, objects } of frames) {
      const truth = objects.map((each) => ({ ...each, contested: each.visibility < CLEARLY_VISIBLE }));
      images.push({ truth, found: (await detector.detect(image)).detections });
    }
    const found = averagePrecisions(images, ROAD_USERS.length);
    return {
      meanPrecision: meanPrecision(found),
      classes: found.map(({ classIndex, ...each }) => ({ class: ROAD_USERS[classIndex] ?? '', ...each })),
    };
  } finally {
    await session.close();
  }
}
