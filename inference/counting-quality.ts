import { z } from 'zod';

const counted = z.int().min(0);

/**
 * How a model counts, as its counts were held against truth: numbers of crossings, so that each share comes with what it was measured on.
 * Which classes are counted is the box's to say; a class that is not here was not measured.
 */
export const CountingQuality = z
  .strictObject({
    /** What it was measured on. */
    data: z.string(),
    classes: z.array(z.string().min(1)).min(1).max(64),
    /** Crossings that were found: `[true class][class counted]`. */
    confusion: z.array(z.array(counted)),
    /** Crossings that were not counted, by true class. */
    missed: z.array(counted),
    /** Crossings counted that were none, by class counted. */
    false: z.array(counted),
  })
  .refine(
    ({ classes, confusion, missed, false: wrong }) =>
      [confusion, missed, wrong, ...confusion].every(({ length }) => length === classes.length),
    { error: 'one row, and one number a row, for each class', path: ['confusion'] },
  )
  .refine(({ classes }) => new Set(classes).size === classes.length, {
    error: 'each class once',
    path: ['classes'],
  });
export type CountingQuality = z.infer<typeof CountingQuality>;
