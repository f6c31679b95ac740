/** One coordinate that moves at an all but constant rate: its place and rate, with their covariance `[[a, b], [b, c]]`. */
export interface Motion {
  readonly place: number;
  /** Per second. */
  readonly rate: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

export const atRest = (place: number, placeDeviation: number, rateDeviation: number): Motion => ({
  place,
  rate: 0,
  a: placeDeviation ** 2,
  b: 0,
  c: rateDeviation ** 2,
});

/**
 * After `seconds` more, its rate pushed by white noise of the density `push`^2 (Bar-Shalom 2001, 6.2.2):
 * Q = push^2 [[t^3 / 3, t^2 / 2], [t^2 / 2, t]]. Exact for any step, so that dropped frames need nothing of their own.
 */
export function predicted({ place, rate, a, b, c }: Motion, seconds: number, push: number): Motion {
  const q = push ** 2;
  return {
    place: place + rate * seconds,
    rate,
    a: a + 2 * b * seconds + c * seconds ** 2 + (q * seconds ** 3) / 3,
    b: b + c * seconds + (q * seconds ** 2) / 2,
    c: c + q * seconds,
  };
}

/** After it was seen at `place`. */
export function corrected(motion: Motion, place: number, deviation: number): Motion {
  const { a, b, c } = motion;
  const total = a + deviation ** 2;
  const [gain, rateGain] = [a / total, b / total];
  const off = place - motion.place;
  return {
    place: motion.place + gain * off,
    rate: motion.rate + rateGain * off,
    a: (1 - gain) * a,
    b: (1 - gain) * b,
    c: c - rateGain * b,
  };
}
