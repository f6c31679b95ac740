/** Of the document of `wayside demo --json`. */
export interface CountedRun {
  readonly frames: number;
  /** From the start of the command. */
  readonly seconds: number;
  readonly firstDetectionSeconds: number | null;
  readonly counts: Record<'counted' | 'truth' | 'missed' | 'false' | 'unseen', number>;
}

/** Frames a second from which on the detector of the street is measured (`npm run bench -- street`): below, nothing is promised of what it finds. */
const LEAST_RATE = 5;
/** It finds nine of ten crossings: of so many it does not miss all, by chance once in a thousand. */
const ENOUGH = 3;

/**
 * What is wrong with the counts of a run, on a machine that may be busy.
 *
 * Allowed: that crossings fall into gaps between frames (`unseen`), all of them too, so that none is left to be found; with some unseen, that
 * the one or two others are missed; below 5 frames a second, that all are missed. Not allowed, however busy: figures that do not add up, a
 * street on which nothing passes, and with 5 frames a second to miss all of three or more crossings, or all where none was unseen.
 */
export function countFaults({ frames, seconds, firstDetectionSeconds, counts }: CountedRun): string[] {
  const { counted, truth, missed, unseen } = counts;
  const rate = frames / (seconds - (firstDetectionSeconds ?? 0));
  const mustFind = rate >= LEAST_RATE && (unseen === 0 || truth >= ENOUGH);
  return [
    ...(truth - missed === counted - counts.false ? [] : ['what was found is not what was counted rightly']),
    ...(truth + unseen > 0 ? [] : ['nothing passed']),
    ...(mustFind && truth === missed ? [`none of ${truth} found at ${rate.toFixed(1)} frames a second`] : []),
  ];
}
