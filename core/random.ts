/** A seeded source of numbers: the same seed gives the same run on every machine. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer in [0, bound). */
  below(bound: number): number;
  /** Standard normal (Box-Muller). */
  normal(): number;
}

/** Mulberry32: 32 bits of state, full period 2^32; ample for shuffling, sampling and rendering, not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return {
    next,
    below: (bound) => Math.floor(next() * bound),
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  };
}

/** Fisher-Yates: the first `count` of a uniformly shuffled `0..total-1`. */
export function sampleIndices(total: number, count: number, random: Random): number[] {
  const indices = Array.from({ length: total }, (_, i) => i);
  const taken = Math.min(count, total);
  for (let i = 0; i < taken; i++) {
    const j = i + random.below(total - i);
    const held = indices[i]!;
    indices[i] = indices[j]!;
    indices[j] = held;
  }
  return indices.slice(0, taken);
}
