/** What removing channels costs one block of weights. */
export interface BlockState {
  /** Added error of the outputs if a channel went now, as a share of the layer's variance. */
  price(channel: number): number;
  /** Removes one; the others make up for it. @returns whether the channel was here at all */
  remove(channel: number): boolean | Promise<boolean>;
}

export interface Elimination {
  readonly order: readonly number[];
  readonly costs: readonly number[];
}

/** The longest that signals wait, milliseconds. */
const TURN_MS = 200;

/**
 * Removes channels one by one, always the one whose absence the others can best make up for, and says what each costs (Optimal
 * Brain Surgeon for structures, Kurtic 2023, "ZipLM"). Other work has a turn now and then: a group of 2,048 channels takes seconds.
 *
 * @returns the order of leaving, and the added error of each step; steps never get cheaper, since a channel that was kept for
 * being dear cannot be worth less than one that left before it
 * @throws AbortError when `signal` aborts
 */
export async function eliminate(
  states: readonly BlockState[],
  channels: number,
  signal?: AbortSignal,
  turnMs = TURN_MS,
): Promise<Elimination> {
  const present = new Set(Array.from({ length: channels }, (_, i) => i));
  const prices = states.map((state) => Float64Array.from({ length: channels }, (_, c) => state.price(c)));
  const order: number[] = [];
  const costs: number[] = [];
  let dearest = 0;
  let since = performance.now();
  while (present.size > 0) {
    let [best, least] = [-1, Number.POSITIVE_INFINITY];
    for (const channel of present) {
      let price = 0;
      for (const each of prices) price += each[channel]!;
      if (price < least || best < 0) [best, least] = [channel, price];
    }
    present.delete(best);
    dearest = Math.max(dearest, least);
    order.push(best);
    costs.push(dearest);
    for (const [s, state] of states.entries()) {
      if (!(await state.remove(best))) continue;
      for (const channel of present) prices[s]![channel] = state.price(channel);
    }
    if (performance.now() - since < turnMs) continue;
    await new Promise(setImmediate);
    signal?.throwIfAborted();
    since = performance.now();
  }
  return { order, costs };
}
