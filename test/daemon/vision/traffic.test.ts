import { describe, expect, it } from 'vitest';
import { classScheme } from '../../../daemon/vision/class-scheme.ts';
import { Traffic } from '../../../daemon/vision/traffic.ts';

const SIDE_METRES = 64;
const corners = (side: number): [number, number][] => [
  [0, 0],
  [side, 0],
  [side, side],
  [0, side],
];

describe('what a camera sees of traffic', () => {
  it.each([
    [5, 3.2],
    [5, 19.2],
    [10, 6.4],
    [15, 3.2],
    [15, 19.2],
  ])('tells when a car passed a line and how fast: %i frames a second, %f m/s', (fps, metresPerSecond) => {
    const calibration = { image: corners(1), metres: corners(SIDE_METRES) } as const;
    const line = { id: 'gate', from: [0.1, 0.6], to: [0.9, 0.6] } as const;
    const traffic = new Traffic({ lines: [line], calibration }, classScheme(['car']).scheme, 1);
    const perSecond = metresPerSecond / SIDE_METRES;
    const [top, height] = [0.1, 0.15];
    const crossings = Array.from({ length: Math.ceil((0.65 / perSecond) * fps) }, (_, i) => {
      const y = top + (perSecond * i) / fps;
      const detections = [{ box: [0.4, y, 0.2, height], score: 0.9, classIndex: 0 }] as const;
      return traffic.update(detections, i / fps).crossings;
    }).flat();
    expect(crossings).toEqual([
      expect.objectContaining({ line: 'gate', direction: 'forward', speed: expect.closeTo(metresPerSecond, 1) }),
    ]);
    expect(crossings[0]?.time).toBeCloseTo((0.6 - top - height) / perSecond, 2);
  });
});
