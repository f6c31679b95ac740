/** What cameras show, frame after frame: of each, a value for each place at which something is answered. */
export class AnswerSeries<Answer> {
  readonly #series = new Map<string, { readonly camera: string; readonly answers: Answer[] }>();
  readonly #framesOf = new Map<string, number>();
  #frames = 0;

  /** @param answers one a place */
  add(camera: string, answers: readonly Answer[]): void {
    this.#frames++;
    this.#framesOf.set(camera, (this.#framesOf.get(camera) ?? 0) + 1);
    for (const [place, answer] of answers.entries()) {
      const key = `${place} ${camera}`;
      const series = this.#series.get(key);
      if (series === undefined) this.#series.set(key, { camera, answers: [answer] });
      else series.answers.push(answer);
    }
  }

  /** For how many frames of all cameras together what a place shows stays alike, at the place where it stays longest. */
  longestTime(timeOf: (answers: readonly Answer[]) => number): number {
    let longest = 1;
    for (const { camera, answers } of this.#series.values()) {
      const between = this.#frames / (this.#framesOf.get(camera) ?? this.#frames);
      longest = Math.max(longest, between * timeOf(answers));
    }
    return longest;
  }
}
