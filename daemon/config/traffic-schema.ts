import { z } from 'zod';
import { id, within } from '../../core/config/fields.ts';
import type { Point } from '../vision/geometry.ts';
import { groundPlane } from '../vision/ground-plane.ts';
import { onOneLine, piercingEdges } from '../vision/simple-polygon.ts';

/** What is looked for on the images of a camera, and what of it is counted: for the daemon and for `wayside count`. */

export const share = within(0, 1);

export const unique = <T>(key: (item: T) => string, what: string) => ({
  check: (items: readonly T[]) => new Set(items.map(key)).size === items.length,
  error: `${what} that differ from each other`,
});

export const point = z.tuple([share, share], { error: 'two shares of the image: [x, y]' });
const placeIds = unique<{ id: string }>((place) => place.id, 'ids of lines and zones');
const laneIds = unique<{ id: string }>((lane) => lane.id, 'ids of lanes');
const movementIds = unique<{ id: string }>((movement) => movement.id, 'ids of movements');

const laneSchema = z
  .strictObject({ id, from: share, to: share })
  .refine((lane) => lane.from < lane.to, { error: 'a lane from a smaller share of the line to a larger one' });

/** Who passes where two lie over each other would be counted in one of them alone. */
const lanesApart = {
  check: (lanes: readonly z.infer<typeof laneSchema>[]): boolean =>
    lanes.toSorted((a, b) => a.from - b.from).every((lane, i, sorted) => lane.from >= (sorted[i - 1]?.to ?? 0)),
  error: 'lanes beside each other: none begins before another ends',
};

export const lineFields = {
  id,
  /** In shares of the image, from the top left. `forward` is from left to right when looking from `from` to `to`. */
  from: point,
  to: point,
  /** Parts of the line, from one share of its length to another. */
  lanes: z
    .array(laneSchema)
    .max(16)
    .refine(laneIds.check, { error: laneIds.error })
    .refine(lanesApart.check, { error: lanesApart.error })
    .default([]),
  /** Who passes in this direction is reported as going the wrong way. */
  wrongWay: z.enum(['forward', 'backward']).optional(),
};

export const hasLength = {
  check: ({ from, to }: { readonly from: Point; readonly to: Point }): boolean =>
    Math.hypot(from[0] - to[0], from[1] - to[1]) > 0.01,
  error: 'a line whose ends are apart by more than a hundredth of the image',
};

const lineSchema = z.strictObject(lineFields).refine(hasLength.check, { error: hasLength.error });

/** What is wrong with a zone, as what was expected instead. Where its outline only touches itself, what is inside stays plain. */
function zoneFault(polygon: readonly Point[]): string | undefined {
  if (polygon.length < 3) return undefined; // said already
  const edges = piercingEdges(polygon);
  if (edges !== undefined)
    return `the corners in order around the zone: the edges after corner ${edges[0] + 1} and corner ${edges[1] + 1} cross`;
  return onOneLine(polygon) ? 'corners that do not all lie on one line: nobody would ever be in it' : undefined;
}

export const zoneSchema = z.strictObject({
  id,
  /** Corners in shares of the image, in order. */
  polygon: z
    .array(point, { error: 'a list of corners: [[x, y], [x, y], [x, y], ...]' })
    .min(3, { error: 'at least three corners' })
    .max(64, { error: 'at most 64 corners' })
    .check(({ value, issues }) => {
      const message = zoneFault(value);
      if (message !== undefined) issues.push({ code: 'custom', message, input: value });
    }),
  /** Who stands in it for so long is reported as stopped. */
  stoppedSeconds: within(1, 3600).optional(),
});

const fourPoints = <T extends z.ZodType>(each: T) => z.tuple([each, each, each, each], { error: 'four points' });

/** Four places on the image and on the ground: speeds are measured on the plane through them. */
const calibrationSchema = z
  .strictObject({
    image: fourPoints(point),
    /** m, on any two axes at right angles to each other. */
    metres: fourPoints(z.tuple([z.number(), z.number()], { error: 'two lengths in metres: [x, y]' })),
  })
  .refine((value) => groundPlane(value) !== undefined, {
    error: 'four points of which no three lie on one line, all before the horizon',
  });

const movementSchema = z
  .strictObject({
    id,
    /** Ids of a line or zone of this camera. */
    from: id,
    to: id,
  })
  .refine(({ from, to }) => from !== to, { error: 'from one place to another' });

/** What is looked for on the images of one camera. */
export const trafficFields = {
  /** What crosses them is counted, where the model finds objects. */
  lines: z.array(lineSchema).max(64).default([]),
  /** Who enters, leaves or stops in them is reported. */
  zones: z.array(zoneSchema).max(64).default([]),
  movements: z.array(movementSchema).max(256).refine(movementIds.check, { error: movementIds.error }).default([]),
  /** Without it there are no speeds. */
  calibration: calibrationSchema.optional(),
};

interface Places {
  readonly lines: readonly { readonly id: string }[];
  readonly zones: readonly { readonly id: string }[];
}

export const placesDiffer = {
  check: ({ lines, zones }: Places): boolean => placeIds.check([...lines, ...zones]),
  params: { error: placeIds.error, path: ['lines'] },
};

export const movementsFit = {
  check: ({ lines, zones, movements }: Places & { readonly movements: readonly z.infer<typeof movementSchema>[] }) => {
    const places = new Set([...lines, ...zones].map((place) => place.id));
    return movements.every(({ from, to }) => places.has(from) && places.has(to));
  },
  params: { error: 'movements between lines and zones of this camera', path: ['movements'] },
};

/** Lengths of intervals that fit a day and an hour evenly, s. */
const INTERVALS = [30, 60, 300, 900, 3600];

export const countingSchema = z.strictObject({
  /** s, on even times of the wall clock. */
  intervals: z
    .array(z.int())
    .min(1)
    .max(INTERVALS.length)
    .refine((all) => all.every((each) => INTERVALS.includes(each)) && new Set(all).size === all.length, {
      error: `lengths in seconds, each once: ${INTERVALS.join(', ')}`,
    })
    .default([60]),
  /** Name of the classes below, for whoever reads the counts. */
  classScheme: id.optional(),
  /** The classes that are counted, each with the classes of the model that belong to it. Without them: road users. */
  classes: z.record(id, z.array(z.string().min(1)).min(1)).optional(),
  /** What moves is followed as well, without the model, and tells what share it misses: one to two ms of CPU a frame. */
  selfAudit: z.boolean().default(false),
});
