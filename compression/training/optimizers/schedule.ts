/** How the learning rate goes over a training. */
export interface Schedule {
  readonly name: string;
  /** Rate as a share of the highest; `done` goes from 0 to 1 over all steps. */
  at(done: number): number;
}

/** From `from` to `to` along half a cosine. */
const between = (from: number, to: number, share: number): number =>
  to + ((from - to) * (1 + Math.cos(Math.PI * share))) / 2;

/** Half a cosine from 1 to 0 (Loshchilov and Hutter 2017), after a linear warm-up over the first share of the steps. */
export const cosine = (warmup = 0): Schedule => ({
  name: `cosine(${warmup})`,
  at: (done) => (done < warmup ? done / warmup : between(1, 0, (done - warmup) / (1 - warmup))),
});

/** One cycle (Smith and Topin 2019): up from 1/25 over the first 30%, then down to 1/250,000, both along a cosine. */
export const oneCycle = (peak = 0.3, start = 1 / 25, end = 1 / 250_000): Schedule => ({
  name: `one-cycle(${peak},${start},${end})`,
  at: (done) => (done < peak ? between(start, 1, done / peak) : between(1, end, (done - peak) / (1 - peak))),
});

/** By the name the command line takes. A twentieth of warm-up keeps the first steps of a new network from diverging. */
export const SCHEDULES = {
  cosine: () => cosine(0.05),
  'one-cycle': () => oneCycle(),
} as const satisfies Readonly<Record<string, () => Schedule>>;
