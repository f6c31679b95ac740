import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LEAST_COVERAGE, regionTruth } from '../../../demo/scene/truth.ts';
import type { ObjectTruth } from '../../../demo/scene/types.ts';
import type { Box } from '../../../inference/image.ts';

const share = fc.double({ min: 0, max: 1, noNaN: true });
const boxes: fc.Arbitrary<Box> = fc
  .tuple(share, share, share, share)
  .map(([x, y, w, h]): Box => [x * 0.9, y * 0.9, Math.max(0.02, w * (1 - x * 0.9)), Math.max(0.02, h * (1 - y * 0.9))]);
const objects: fc.Arbitrary<ObjectTruth[]> = fc.array(
  fc.record({
    name: fc.uuid(),
    class: fc.constantFrom('car', 'truck', 'bus', 'pedestrian', 'sign'),
    box: boxes,
    visibleBox: boxes,
    visibility: fc.double({ min: 0.1, max: 1, noNaN: true }),
  }),
  { maxLength: 6 },
);
const object = (name: ObjectTruth['class'], visibleBox: Box): ObjectTruth => ({
  name,
  class: name,
  box: visibleBox,
  visibleBox,
  visibility: 1,
});

describe('the truth of a region', () => {
  it('is empty exactly while nothing covers enough of it', () => {
    fc.assert(
      fc.property(objects, boxes, (seen, region) => {
        const truth = regionTruth(seen, region);
        expect(truth.class === 'empty').toBe(truth.coverage < LEAST_COVERAGE);
        if (truth.class !== 'empty') expect(seen.map(({ class: name }) => name)).toContain(truth.class);
      }),
    );
  });

  it('does not depend on the order of the objects', () => {
    fc.assert(
      fc.property(objects, boxes, (seen, region) => {
        expect(regionTruth(seen.toReversed(), region).coverage).toBe(regionTruth(seen, region).coverage);
      }),
    );
  });

  it('follows what covers most, and calls a close race contested', () => {
    const region: Box = [0.2, 0.2, 0.4, 0.4];
    const most = object('bus', [0.2, 0.2, 0.4, 0.36]);
    expect(regionTruth([object('car', [0.2, 0.2, 0.2, 0.2]), most], region)).toMatchObject({
      class: 'bus',
      contested: false,
    });
    expect(regionTruth([object('car', [0.2, 0.2, 0.4, 0.3]), most], region)).toMatchObject({
      class: 'bus',
      contested: true,
    });
    expect(regionTruth([object('car', [0.2, 0.2, 0.4, 0.11])], region)).toMatchObject({
      class: 'empty',
      contested: true,
    });
    expect(regionTruth([object('car', [0.2, 0.2, 0.4, 0.13])], region)).toMatchObject({
      class: 'car',
      contested: true,
    });
  });
});
