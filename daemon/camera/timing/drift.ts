/** Crystals of cameras keep 100 ppm; what runs further off than this is no drift. */
export const LARGEST_DRIFT_PPM = 500;

const WINDOW_MS = 30_000;
/** An hour: long against the jitter of a minimum, short against the temperature of a day. */
const WINDOWS_KEPT = 120;
/** 5 ms of jitter between two minima over 150 s are 33 ppm. */
const FEWEST_WINDOWS = 5;
/** Two neighbouring minima that differ by more than drift and this jitter are a step or a backlog, and no slope is taken across. */
const LARGEST_JITTER_MS = 100;

interface Minimum {
  readonly at: number;
  readonly offset: number;
}

/**
 * How fast the clock of a camera runs against ours, from the smallest `arrival - presentation time` of each window.
 *
 * The smallest of a window met no queue on its way, so a backlog that comes and goes does not reach it; one that stays makes one step, and
 * the median over many pairs a quarter of the history apart does not follow a step. What grows faster than any clock drifts is left out.
 */
export class DriftEstimator {
  #runs: Minimum[][] = [[]];
  #window: Minimum | undefined;
  #windowEnd = Number.NaN;
  #ppm = 0;

  /** Rise of `arrival - presentation time`, ppm, within `LARGEST_DRIFT_PPM` both ways; 0 until there is evidence. */
  get ppm(): number {
    return this.#ppm;
  }

  /** Both in ms; `at` never falls. */
  add(at: number, offset: number): void {
    if (!(at < this.#windowEnd)) this.#close(at);
    if (this.#window === undefined || offset < this.#window.offset) this.#window = { at, offset };
  }

  /** What follows is not comparable with what came before: another connection, or a clock that was set. */
  interrupt(): void {
    this.#window = undefined;
    this.#windowEnd = Number.NaN;
    if (this.#runs.at(-1)?.length !== 0) this.#runs.push([]);
  }

  #close(at: number): void {
    const minimum = this.#window;
    this.#window = undefined;
    this.#windowEnd = at + WINDOW_MS;
    if (minimum === undefined) return;
    const before = this.#runs.at(-1)?.at(-1);
    if (before !== undefined && !mayBeDrift(before, minimum)) this.#runs.push([]);
    this.#runs.at(-1)?.push(minimum);
    this.#forget();
    const slopes = this.#runs.flatMap(slopesOf).sort((a, b) => a - b);
    const median = slopes[slopes.length >> 1];
    if (median !== undefined) this.#ppm = Math.max(-LARGEST_DRIFT_PPM, Math.min(LARGEST_DRIFT_PPM, median * 1e6));
  }

  #forget(): void {
    let surplus = this.#runs.reduce((sum, run) => sum + run.length, 0) - WINDOWS_KEPT;
    while (surplus-- > 0) this.#runs[0]?.shift();
    while (this.#runs.length > 1 && (this.#runs[0]?.length === 0 || this.#runs.length > WINDOWS_KEPT))
      this.#runs.shift();
  }
}

function mayBeDrift(from: Minimum, to: Minimum): boolean {
  const most = (LARGEST_DRIFT_PPM / 1e6) * (to.at - from.at) + LARGEST_JITTER_MS;
  return Math.abs(to.offset - from.offset) <= most;
}

function slopesOf(run: readonly Minimum[]): number[] {
  if (run.length < FEWEST_WINDOWS) return [];
  const apart = Math.max(FEWEST_WINDOWS - 1, run.length >> 2);
  return run.slice(apart).map((to, i) => (to.offset - run[i]!.offset) / (to.at - run[i]!.at));
}
