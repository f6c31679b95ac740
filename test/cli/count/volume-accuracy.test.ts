import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Passing, volumeAccuracy } from '../../../cli/count/volume-accuracy.ts';

const passing = (time: number | null, name = 'car'): Passing => ({
  line: 'road',
  direction: 'forward',
  class: name,
  time,
});

describe('volumeAccuracy', () => {
  it('lets errors of a whole sample make up for each other, and those of segments not', () => {
    const truth = [passing(5), passing(10), passing(65), passing(70)];
    const counted = [passing(5), passing(65), passing(70), passing(75)];
    expect(volumeAccuracy(counted, truth, 60)).toEqual({ sample: 1, trafficWeighted: 0.5 });
    expect(volumeAccuracy(counted, truth, 120)).toEqual({ sample: 1, trafficWeighted: 1 });
  });

  it('keeps classes apart in segments', () => {
    expect(volumeAccuracy([passing(1, 'truck')], [passing(1)], 60)).toEqual({ sample: 1, trafficWeighted: 0 });
  });

  it('knows nothing where nothing was counted by hand, and of segments nothing where no time is known', () => {
    expect(volumeAccuracy([passing(1)], [], 60)).toEqual({ sample: null, trafficWeighted: null });
    expect(volumeAccuracy([passing(1)], [passing(null)], 60)).toEqual({ sample: 1, trafficWeighted: null });
  });

  it('is never better by segments than by the whole', () => {
    const passings = fc.array(fc.tuple(fc.integer({ min: 0, max: 300 }), fc.constantFrom('car', 'truck')));
    fc.assert(
      fc.property(passings, passings, (counted, truth) => {
        const all = [counted, truth].map((each) => each.map(([time, name]) => passing(time, name)));
        const { sample, trafficWeighted } = volumeAccuracy(all[0] ?? [], all[1] ?? [], 60);
        expect(trafficWeighted ?? 0).toBeLessThanOrEqual(sample ?? 0);
      }),
    );
  });
});
