import type { Random } from '../../../core/random.ts';
import type { Block } from '../../../deploy/trial/block.ts';
import { drawn } from './streams.ts';

/** What two detectors see of one street. */
export interface DetectorShape {
  /** Share of each class among the objects. */
  readonly shares: readonly number[];
  /** Frames for which an object is seen, on average; geometrically distributed. As long again a place is empty. */
  readonly frames: number;
  /** Share of the objects that a model overlooks for as long as they are seen, by mistakes of its own. */
  readonly missed: number;
  /** Places in which one object after the other is seen. */
  readonly places: number;
  /** Lines, one of which each object crosses when it leaves. */
  readonly lines: number;
}

/** What is wrong with the candidate, beside its own mistakes. */
export interface DetectorFault {
  /** Share of all objects that it overlooks besides. @default 0 */
  readonly missed?: number;
  /** Share of the first class's objects that it overlooks besides. @default 0 */
  readonly missedOfFirst?: number;
  /** Share of the objects it has seen whose crossing it loses: a track that breaks at the line. @default 0 */
  readonly lostAtLine?: number;
}

interface Seen {
  framesLeft: number;
  /** Undefined: the place is empty. */
  readonly object: { readonly label: number; readonly old: boolean; readonly candidate: boolean } | undefined;
}

/**
 * Blocks of two detectors on the same made-up street. What one of them overlooks it overlooks for as long as it is there, so blocks depend on each
 * other as those of a real street do, by what stands in view over their ends.
 */
export function* simulatedDetectorBlocks(
  shape: DetectorShape,
  fault: DetectorFault,
  frames: number,
  random: Random,
): Generator<Omit<Block, 'phase'>, never> {
  const { missed = 0, missedOfFirst = 0, lostAtLine = 0 } = fault;
  const time = (): number => Math.max(1, Math.ceil(-Math.log(1 - random.next()) * shape.frames));
  const come = (): Seen => {
    const label = drawn(shape.shares, random);
    const old = random.next() >= shape.missed;
    const besides = missed + (label === 0 ? missedOfFirst : 0);
    return { framesLeft: time(), object: { label, old, candidate: random.next() >= shape.missed + besides } };
  };
  const places = Array.from({ length: shape.places }, (): Seen => (random.next() < 0.5 ? come() : empty(time())));
  for (;;) {
    const shift = shape.shares.map(() => 0);
    const boxes = { old: 0, candidate: 0, matched: 0 };
    const crossed = Array.from({ length: shape.lines }, () => ({ old: 0, candidate: 0 }));
    for (const [index] of places.entries()) {
      for (let left = frames; left > 0; ) {
        const seen = places[index]!;
        const { object } = seen;
        const during = Math.min(left, seen.framesLeft);
        left -= during;
        seen.framesLeft -= during;
        if (object?.old) boxes.old += during;
        if (object?.candidate) boxes.candidate += during;
        if (object?.old && object.candidate) boxes.matched += during;
        if (object !== undefined) shift[object.label]! += during * (Number(object.candidate) - Number(object.old));
        if (seen.framesLeft > 0) continue;
        if (object !== undefined) {
          const line = crossed[Math.floor(random.next() * shape.lines)]!;
          if (object.old) line.old++;
          if (object.candidate && random.next() >= lostAtLine) line.candidate++;
        }
        places[index] = object === undefined ? come() : empty(time());
      }
    }
    const either = boxes.old + boxes.candidate - boxes.matched;
    const model = () => ({ failed: 0, latencyMs: 30 * Math.exp(0.02 * random.normal()), memoryMb: 80, restarts: 0 });
    yield {
      frames,
      old: model(),
      candidate: model(),
      classShift: Object.fromEntries(shift.map((moved, label) => [`class ${label}`, moved / Math.max(1, boxes.old)])),
      disagreement: either === 0 ? 0 : 1 - boxes.matched / either,
      scoreDrift: 0.003 * random.normal(),
      longestGapSeconds: 0.5,
      boxes,
      lines: Object.fromEntries(crossed.map((counts, line) => [`line ${line}`, counts])),
    };
  }
}

const empty = (framesLeft: number): Seen => ({ framesLeft, object: undefined });
