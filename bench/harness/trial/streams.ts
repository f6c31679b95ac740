import type { Random } from '../../../core/random.ts';
import type { Block } from '../../../deploy/trial/block.ts';

/** How two models answer the same regions over time. */
export interface StreamShape {
  /** Share of each class among the true ones. */
  readonly shares: readonly number[];
  /** Frames for which a region keeps what it shows, on average; geometrically distributed. */
  readonly frames: number;
  /** Share of what is shown that a model takes for another class, by mistakes of its own. */
  readonly error: number;
  /** Regions that are answered in each frame. */
  readonly regions: number;
}

/** What is wrong with the candidate, beside its own mistakes. */
export interface Fault {
  /** Share of all answers that moves from the first class to the second. @default 0 */
  readonly classShift?: number;
  /** Time of a frame against the old model's. @default 1 */
  readonly slower?: number;
}

interface Shown {
  framesLeft: number;
  old: number;
  candidate: number;
}

/** One of several, by their shares. */
export function drawn(shares: readonly number[], random: Random): number {
  let rest = random.next();
  for (const [index, share] of shares.entries()) {
    rest -= share;
    if (rest < 0) return index;
  }
  return shares.length - 1;
}

/** Blocks of two models that watch the same made-up traffic: what is seen stays for a while, and so does each model's mistake about it. */
export function* simulatedBlocks(
  shape: StreamShape,
  fault: Fault,
  frames: number,
  random: Random,
): Generator<Omit<Block, 'phase'>, never> {
  const { shares, error } = shape;
  const [first = 1] = shares;
  const moved = (fault.classShift ?? 0) / (first * (1 - error) + error * first);
  const answer = (truth: number): number => (random.next() < error ? drawn(shares, random) : truth);
  const show = (): Shown => {
    const truth = drawn(shares, random);
    const candidate = answer(truth);
    return {
      framesLeft: Math.max(1, Math.ceil(-Math.log(1 - random.next()) * shape.frames)),
      old: answer(truth),
      candidate: candidate === 0 && random.next() < moved ? 1 : candidate,
    };
  };
  const regions = Array.from({ length: shape.regions }, show);
  for (;;) {
    const shift = shares.map(() => 0);
    let differing = 0;
    for (let frame = 0; frame < frames; frame++) {
      for (const [index, shown] of regions.entries()) {
        shift[shown.old]!--;
        shift[shown.candidate]!++;
        if (shown.old !== shown.candidate) differing++;
        if (--shown.framesLeft === 0) regions[index] = show();
      }
    }
    const answers = frames * shape.regions;
    const model = (latencyMs: number) => ({ failed: 0, latencyMs, memoryMb: 80, restarts: 0 });
    yield {
      frames,
      old: model(5 * Math.exp(0.02 * random.normal())),
      candidate: model(5 * (fault.slower ?? 1) * Math.exp(0.02 * random.normal())),
      classShift: Object.fromEntries(shift.map((count, label) => [`class ${label}`, count / answers])),
      disagreement: differing / answers,
      scoreDrift: 0.003 * random.normal(),
      longestGapSeconds: 0.5,
    };
  }
}
