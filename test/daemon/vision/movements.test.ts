import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MovementWatch, type Passage } from '../../../daemon/vision/movements.ts';

const passage = (place: string, time: number, object = 1): Passage => ({
  place,
  object,
  track: object,
  time,
  classIndex: 0,
});
const LEFT = { id: 'left turn', from: 'south', to: 'west' };

describe('MovementWatch', () => {
  it('takes passages of one frame in the order of their times, not of the list', () => {
    expect(new MovementWatch([LEFT]).update([passage('west', 3), passage('south', 1)], 3)).toMatchObject([
      { movement: 'left turn', time: 3, seconds: 2 },
    ]);
  });

  it('knows of each object for itself, and of a movement that begins where another ends', () => {
    const watch = new MovementWatch([LEFT, { id: 'on', from: 'west', to: 'north' }]);
    const events = watch.update(
      [passage('south', 1), passage('south', 2, 2), passage('west', 4), passage('north', 6), passage('west', 9, 2)],
      9,
    );
    expect(events.map(({ movement, object, seconds }) => [movement, object, seconds])).toEqual([
      ['left turn', 1, 3],
      ['on', 1, 2],
      ['left turn', 2, 7],
    ]);
  });

  it('is told of a passage that becomes certain after the one that it leads to', () => {
    const watch = new MovementWatch([LEFT]);
    expect(watch.update([passage('west', 4)], 4)).toEqual([]);
    expect(watch.update([passage('south', 3.7)], 4.1)).toMatchObject([{ time: 4, seconds: expect.closeTo(0.3, 9) }]);
    expect(watch.update([passage('west', 6)], 6)).toEqual([]);
  });

  it('forgets who was not seen at any place for ten minutes', () => {
    const watch = new MovementWatch([LEFT]);
    watch.update([passage('south', 0)], 0);
    watch.update([], 601);
    expect(watch.update([passage('west', 602)], 602)).toEqual([]);
  });

  it('tells each movement of an object once, whatever comes', () => {
    const places = fc.constantFrom('south', 'west', 'north');
    fc.assert(
      fc.property(fc.array(fc.tuple(places, fc.integer({ min: 1, max: 3 })), { maxLength: 40 }), (walks) => {
        const watch = new MovementWatch([LEFT]);
        const events = walks.flatMap(([place, object], i) => watch.update([passage(place, i, object)], i));
        const told = events.map(({ object }) => object);
        expect(new Set(told).size).toBe(told.length);
        for (const object of new Set(walks.map((walk) => walk[1]))) {
          const own = walks.filter((walk) => walk[1] === object).map(([place]) => place);
          const makes = own.indexOf('south') >= 0 && own.lastIndexOf('west') > own.indexOf('south');
          expect(told.includes(object)).toBe(makes);
        }
      }),
    );
  });
});
