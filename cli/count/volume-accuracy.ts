/** A crossing, by whoever counted it. */
export interface Passing {
  readonly line: string;
  readonly direction: string;
  readonly class: string;
  /** s; null where only the number is known. */
  readonly time: number | null;
}

/** How far numbers are from a hand count, whoever it was that passed. 1 is perfect; null where nothing was counted by hand. */
export interface VolumeAccuracy {
  /** Of the whole sample: 1 - |C - T| / T, at least 0. What is missed and what is false make up for each other. */
  readonly sample: number | null;
  /**
   * Segment by segment, each weighed by its traffic: 1 - sum |C_s - T_s| / sum T_s, at least 0, over every line, direction, class and
   * stretch of time. Null where times are not known.
   */
  readonly trafficWeighted: number | null;
}

/** @param segmentSeconds length of a stretch of time */
export function volumeAccuracy(
  counted: readonly Passing[],
  truth: readonly Passing[],
  segmentSeconds: number,
): VolumeAccuracy {
  if (truth.length === 0) return { sample: null, trafficWeighted: null };
  const sample = Math.max(0, 1 - Math.abs(counted.length - truth.length) / truth.length);
  const differences = new Map<string, number>();
  const add = (passings: readonly Passing[], by: number): boolean =>
    passings.every(({ line, direction, class: name, time }) => {
      if (time === null) return false;
      const key = JSON.stringify([line, direction, name, Math.floor(time / segmentSeconds)]);
      differences.set(key, (differences.get(key) ?? 0) + by);
      return true;
    });
  const timed = add(counted, 1) && add(truth, -1);
  const off = [...differences.values()].reduce((sum, difference) => sum + Math.abs(difference), 0);
  return { sample, trafficWeighted: timed ? Math.max(0, 1 - off / truth.length) : null };
}
