/**
 * Percentiles of durations in constant memory: a histogram whose buckets grow by 5%, from 0.01 ms to 100 s. A percentile is
 * the geometric middle of its bucket, thus within sqrt(1.05) - 1 = 2.5% of the exact one.
 */
const LOWEST_MS = 0.01;
const HIGHEST_MS = 100_000;
const GROWTH = Math.log(1.05);
const BUCKETS = Math.ceil(Math.log(HIGHEST_MS / LOWEST_MS) / GROWTH) + 1;

export interface Percentiles {
  readonly count: number;
  /** ms; null without a sample. */
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

export class DurationHistogram {
  readonly #counts = new Uint32Array(BUCKETS);
  #total = 0;

  /** Anything shorter than 0.01 ms counts as that, anything longer than 100 s too. */
  add(ms: number): void {
    const clamped = Math.min(HIGHEST_MS, Math.max(LOWEST_MS, ms));
    const bucket = Math.round(Math.log(clamped / LOWEST_MS) / GROWTH);
    this.#counts[bucket] = this.#counts[bucket]! + 1;
    this.#total++;
  }

  /** The percentiles since the last call, and a fresh start. */
  take(): Percentiles {
    const result = { count: this.#total, p50: this.#at(0.5), p95: this.#at(0.95), p99: this.#at(0.99) };
    this.#counts.fill(0);
    this.#total = 0;
    return result;
  }

  #at(share: number): number | null {
    if (this.#total === 0) return null;
    const rank = Math.ceil(share * this.#total);
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= rank) return Math.round(LOWEST_MS * Math.exp(bucket * GROWTH) * 1000) / 1000;
    }
    return HIGHEST_MS;
  }
}
