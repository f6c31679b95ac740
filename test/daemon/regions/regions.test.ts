import { describe, expect, it } from 'vitest';
import type { CameraConfig } from '../../../daemon/config/schema.ts';
import { jobFor } from '../../../daemon/detections.ts';
import { isIn, motionPlacesOf, placeBody, regionsOf } from '../../../daemon/regions/regions.ts';
import { workingSizeOf } from '../../../daemon/regions/working-size.ts';
import type { Preprocessing } from '../../../inference/preprocess.ts';

const TRIANGLE: [number, number][] = [
  [0.2, 0.5],
  [0.7, 0.5],
  [0.2, 0.9],
];
const camera = (config: Partial<CameraConfig>): CameraConfig => ({ regions: [], topK: 1, ...config }) as CameraConfig;
const drawn = camera({
  regions: [
    { name: 'kerb', box: [0, 0, 0.5, 1] },
    { name: 'lane', polygon: TRIANGLE },
  ],
});

describe('regions', () => {
  it('are the whole image where none is drawn, and none where only what moves is asked for', () => {
    expect(regionsOf(camera({}))).toEqual([{ name: 'frame', box: [0, 0, 1, 1] }]);
    expect(regionsOf(camera({ proposals: 'motion' }))).toEqual([]);
  });

  it('are watched and not classified where only what moves in them is asked for', () => {
    const motion = camera({ regions: [...drawn.regions, { name: 'road', polygon: TRIANGLE, proposals: 'motion' }] });
    expect(regionsOf(motion).map(({ name }) => name)).toEqual(['kerb', 'lane']);
    expect(motionPlacesOf(motion)).toMatchObject([{ name: 'road', polygon: TRIANGLE }]);
    expect(motionPlacesOf(drawn)).toBeUndefined();
    expect(motionPlacesOf(camera({ proposals: 'motion' }))).toMatchObject([{ box: [0, 0, 1, 1] }]);
    expect(workingSizeOf({ size: [8, 8], resize: 'stretch' } as unknown as Preprocessing, motion)).toHaveProperty(
      'inside',
    );
  });

  it('are shown to the model as the boxes around them, polygons beside', () => {
    const regions = regionsOf(drawn);
    expect(regions[1]?.box).toEqual([0.2, 0.5, 0.5, 0.4]);
    const { boxes, polygons } = jobFor({ config: drawn, regions } as never, { width: 1, height: 1 } as never, [
      { box: [0, 0, 1, 1], shown: [0, 0, 1, 1] },
    ]);
    expect(boxes).toHaveLength(3);
    expect(polygons).toEqual([undefined, TRIANGLE]);
    expect(regions.map(placeBody)).toMatchObject([{ box: [0, 0, 0.5, 1] }, { polygon: TRIANGLE }]);
    expect('polygon' in placeBody({ box: [0, 0, 1, 1] })).toBe(false);
  });

  it('have as many pixels as the model takes, also in the box around a polygon', () => {
    const preprocessing = { size: [40, 50], resize: 'stretch' } as unknown as Preprocessing;
    expect(workingSizeOf(preprocessing, drawn)).toEqual({ width: 100, height: 100 });
  });

  it('hold what lies inside of the polygon, not of its box', () => {
    const [kerb, lane] = drawn.regions;
    expect([kerb, lane].map((region) => isIn(region!, [0.3, 0.6]))).toEqual([true, true]);
    expect(isIn(lane!, [0.65, 0.85])).toBe(false);
    expect(isIn(kerb!, [0.5, 0.6])).toBe(false);
  });
});
