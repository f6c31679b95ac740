import type { Proposal } from '../../daemon/motion/motion-watch.ts';
import { intersectionOverUnion } from '../../inference/heads/detection.ts';
import type { Box } from '../../inference/image.ts';
import type { TrueFrame } from './moving-street.ts';

/** A street as it was looked at. */
export interface LookedAtMotion extends TrueFrame {
  readonly proposals: readonly Proposal[];
}

/** An object of a frame that moves: whether it was proposed, in a box of its own or in one with others. */
export interface MovingObject {
  readonly class: string;
  readonly own: boolean;
  readonly any: boolean;
  /** Widths and heights of the image that it goes in a second. */
  readonly speed: number;
  /** Height in shares of the image. */
  readonly height: number;
}

/** Seconds in which a background is learned. */
const SETTLING = 5;
/** Frames within which it has to be proposed. */
export const WITHIN = 3;
export const LEAST_VISIBLE = 0.5;
/** Of the image of 224 x 128 pixels: 6 high and 2 wide. */
const LEAST_SIZE = [2 / 224, 6 / 128] as const;
/** Over so many frames it moved, by more than this share of its own height or width. */
const STEPS = 5;
const MOVED = 0.1;
export const OWN_OVERLAP = 0.3;
export const COVERED = 0.5;

/** Every moving object of every frame that is visible and large enough. */
export function movingObjects(frames: readonly LookedAtMotion[]): MovingObject[] {
  return frames.flatMap(({ time, objects }, i) => {
    const before = frames[i - STEPS];
    if (before === undefined || time < SETTLING || i + WITHIN > frames.length) return [];
    return objects.flatMap((each): MovingObject[] => {
      const [, , width, height] = each.visibleBox;
      if (each.class === 'sign' || each.visibility < LEAST_VISIBLE) return [];
      if (width < LEAST_SIZE[0] || height < LEAST_SIZE[1]) return [];
      const was = before.objects.find(({ name }) => name === each.name);
      if (was === undefined) return [];
      const [dx, dy] = way(was.box, each.box);
      if (Math.abs(dx) < MOVED * each.box[2] && Math.abs(dy) < MOVED * each.box[3]) return [];
      const found = frames.slice(i, i + WITHIN).map((later) => {
        const now = later.objects.find(({ name }) => name === each.name) ?? each;
        const { visibleBox, box } = now;
        const own = later.proposals.some(
          (proposal) =>
            Math.max(intersectionOverUnion(proposal.box, visibleBox), intersectionOverUnion(proposal.box, box)) >=
            OWN_OVERLAP,
        );
        return { own, any: own || later.proposals.some((proposal) => covered(visibleBox, proposal.box) >= COVERED) };
      });
      const seconds = time - before.time;
      return [
        {
          class: each.class,
          own: found.some(({ own }) => own),
          any: found.some(({ any }) => any),
          speed: Math.hypot(dx, dy) / seconds,
          height,
        },
      ];
    });
  });
}

/** Proposals that lie where none lay in the frame before. */
export function newProposals(frames: readonly LookedAtMotion[]): number {
  return frames.reduce((sum, { time, proposals }, i) => {
    if (time < SETTLING) return sum;
    const before = frames[i - 1]?.proposals ?? [];
    return sum + proposals.filter(({ box }) => !before.some((other) => covered(box, other.box) > 0)).length;
  }, 0);
}

export const settledSeconds = (frames: readonly LookedAtMotion[]): number =>
  Math.max(0, (frames.at(-1)?.time ?? 0) - SETTLING);

/** Of the lower edge's middle. */
const way = (from: Box, to: Box): readonly [number, number] => [
  to[0] + to[2] / 2 - from[0] - from[2] / 2,
  to[1] + to[3] - from[1] - from[3],
];

/** Share of `a` that `b` covers. */
function covered([ax, ay, aw, ah]: Box, [bx, by, bw, bh]: Box): number {
  const width = Math.min(ax + aw, bx + bw) - Math.max(ax, bx);
  const height = Math.min(ay + ah, by + bh) - Math.max(ay, by);
  return width <= 0 || height <= 0 ? 0 : (width * height) / (aw * ah);
}
