/** Which class each region showed, frame after frame. */
export class TopClasses {
  readonly #series = new Map<string, string[]>();
  readonly #framesOf = new Map<string, number>();
  #frames = 0;

  /** @param labels one a region */
  add(camera: string, labels: readonly string[]): void {
    this.#frames++;
    this.#framesOf.set(camera, (this.#framesOf.get(camera) ?? 0) + 1);
    for (const [region, label] of labels.entries()) {
      const key = `${camera} ${region}`;
      const series = this.#series.get(key);
      if (series === undefined) this.#series.set(key, [label]);
      else series.push(label);
    }
  }

  /**
   * For how many frames of all cameras together what a region shows stays alike, at the region where it stays longest: the series of
   * how often its commonest class is there.
   */
  longestTime(timeOf: (series: readonly number[]) => number): number {
    let longest = 1;
    for (const [key, labels] of this.#series) {
      const camera = key.slice(0, key.lastIndexOf(' '));
      const common = commonest(labels);
      const between = this.#frames / (this.#framesOf.get(camera) ?? this.#frames);
      longest = Math.max(longest, between * timeOf(labels.map((label) => (label === common ? 1 : 0))));
    }
    return longest;
  }
}

function commonest(labels: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}
