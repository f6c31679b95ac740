/** Learning rate of a step, as a share of the highest: `done` goes from 0 to 1 over the whole training. */
export type Schedule = (done: number) => number;

/** Half a cosine from 1 to 0 (Loshchilov and Hutter 2017), after a linear warm-up over the first share of the steps. */
export const cosine =
  (warmup = 0): Schedule =>
  (done) =>
    done < warmup ? done / warmup : 0.5 * (1 + Math.cos((Math.PI * (done - warmup)) / (1 - warmup)));

/**
 * One cycle (Smith and Topin 2019): up from 1/25 over the first 30%, then down to 1/10,000 of that, both along a cosine.
 */
export const oneCycle =
  (peak = 0.3, start = 1 / 25, end = 1 / 250_000): Schedule =>
  (done) => {
    const between = (from: number, to: number, share: number): number =>
      to + ((from - to) * (1 + Math.cos(Math.PI * share))) / 2;
    return done < peak ? between(start, 1, done / peak) : between(1, end, (done - peak) / (1 - peak));
  };

export const SCHEDULES: Readonly<Record<string, () => Schedule>> = {
  cosine: () => cosine(0.05),
  'one-cycle': () => oneCycle(),
};
