import { z } from 'zod';
import { id } from '../../core/config/fields.ts';
import { boundsOf, MOST_CORNERS, type Polygon } from '../../inference/polygon.ts';
import { areaOf, crossingEdges, repeatedCorner } from '../vision/simple-polygon.ts';
import { point, share } from './traffic-schema.ts';

/** Parts of the image of which each is classified by itself, or what moves in it. */

/** A hundredth of an image of 1280x720 is 13 x 7 pixels: less shows a classifier nothing. */
const LEAST_SIDE = 0.01;
/** Of the box around it. In a thinner one, the model would be shown next to nothing but what is filled. */
const LEAST_FILLED = 0.02;

/** What is wrong with a polygon, as what was expected instead. */
export function polygonFault(polygon: Polygon): string | undefined {
  if (polygon.length < 3) return undefined; // said already
  const same = repeatedCorner(polygon);
  if (same !== undefined)
    return `corners that differ, the last from the first as well: ${same[0] + 1} and ${same[1] + 1} are one place`;
  const edges = crossingEdges(polygon);
  if (edges !== undefined)
    return `edges that do not cross or touch each other, as those after corner ${edges[0] + 1} and corner ${edges[1] + 1} do`;
  const [, , width, height] = boundsOf(polygon);
  if (Math.min(width, height) < LEAST_SIDE) return 'a polygon at least a hundredth of the image wide and high';
  if (areaOf(polygon) < LEAST_FILLED * width * height)
    return 'a polygon that fills at least a fiftieth of the box around it';
  return undefined;
}

const polygonSchema = z
  .array(point, { error: 'a list of corners: [[x, y], [x, y], [x, y], ...]' })
  .min(3, { error: 'at least three corners' })
  .max(MOST_CORNERS, { error: `at most ${MOST_CORNERS} corners` })
  .check(({ value, issues }) => {
    const message = polygonFault(value);
    if (message !== undefined) issues.push({ code: 'custom', message, input: value });
  });

export const regionSchema = z
  .strictObject({
    name: id,
    /** `[x, y, width, height]` in shares of the image, from the top left. */
    box: z
      .tuple([share, share, share, share], { error: 'four shares of the image: [x, y, width, height]' })
      .refine(([x, y, w, h]) => w > 0 && h > 0 && x + w <= 1 + 1e-9 && y + h <= 1 + 1e-9, {
        error: 'a box inside the image: x + width <= 1, y + height <= 1, neither empty',
      })
      .optional(),
    /** Corners in shares of the image, in order: what lies outside is not shown to the model. */
    polygon: polygonSchema.optional(),
    /** It is not classified by itself, but what moves and has its middle in it. */
    proposals: z.enum(['motion']).optional(),
  })
  .refine(({ box, polygon }) => (box === undefined) !== (polygon === undefined), {
    error: 'either `box` or `polygon`',
  });

export const watchesMotion = ({ proposals }: Pick<z.infer<typeof regionSchema>, 'proposals'>): boolean =>
  proposals !== undefined;
