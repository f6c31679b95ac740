import { describe, expect, it } from 'vitest';
import { CamerasTraffic } from '../../../daemon/vision/cameras-traffic.ts';
import { ModelSchemes } from '../../../daemon/vision/model-schemes.ts';
import type { TrafficPlan } from '../../../daemon/vision/traffic.ts';

const PLAN: TrafficPlan = { lines: [{ id: 'gate', from: [0.1, 0.5], to: [0.9, 0.5] }] };
const OLD = { labels: ['car', 'bus'] };
const RENUMBERED = { labels: ['person', 'car', 'bus'] };
const SAME_CLASSES = { labels: ['bus', 'car'] };

/** A car that goes down past the line within 40 frames, again and again; at each frame some model speaks. */
function drive(models: readonly (typeof OLD)[], plans: readonly TrafficPlan[] = models.map(() => PLAN)) {
  const [traffic, schemes] = [new CamerasTraffic(), new ModelSchemes()];
  return models.flatMap((model, at) => {
    const frame = { width: 200, height: 100, capturedAt: 1000 + at * 100, lagMs: null };
    const box = [0.4, 0.2 + (at % 40) * 0.01, 0.1, 0.1] as const;
    const detections = [{ box, classIndex: model.labels.indexOf('car'), score: 0.9 }];
    const followed = traffic.update('north', plans[at] ?? PLAN, schemes.of(model, undefined), frame, detections);
    return followed?.seen.crossings ?? [];
  });
}
const times = <T>(count: number, value: T): T[] => Array(count).fill(value);

it('goes on with a model of the same classes in another order, on the line as well: one crossing', () => {
  for (const swap of [10, 20, 21, 22, 25, 30])
    expect(drive([...times(swap, OLD), ...times(40 - swap, SAME_CLASSES)]), `swap at ${swap}`).toHaveLength(1);
});

it('begins anew with other classes: nothing is counted twice, and no number of an object is given again', () => {
  for (const swap of [10, 20, 25, 30])
    expect(drive([...times(swap, OLD), ...times(40 - swap, RENUMBERED)]).length).toBeLessThanOrEqual(1);
  const crossings = drive([...times(40, OLD), ...times(40, RENUMBERED), ...times(40, OLD)]);
  expect(crossings).toHaveLength(3);
  expect(new Set(crossings.map(({ object }) => object)).size).toBe(3);
  expect(new Set(crossings.map(({ track }) => track)).size).toBe(3);
});

it('numbers on where lines are drawn anew, and where a camera was away', () => {
  const redrawn: TrafficPlan = { lines: [{ id: 'other', from: [0.1, 0.45], to: [0.9, 0.45] }] };
  const crossings = drive(times(80, OLD), [...times(40, PLAN), ...times(40, redrawn)]);
  expect(crossings.map(({ line }) => line)).toEqual(['gate', 'other']);
  expect(new Set(crossings.map(({ object }) => object)).size).toBe(2);

  const [traffic, schemes] = [new CamerasTraffic(), new ModelSchemes()];
  const see = (capturedAt: number): number | undefined => {
    const detections = [{ box: [0.4, 0.2, 0.1, 0.1] as const, classIndex: 0, score: 0.9 }];
    const frame = { width: 200, height: 100, capturedAt, lagMs: null };
    return traffic.update('north', PLAN, schemes.of(OLD, undefined), frame, detections)?.seen.objects[0]?.object;
  };
  const first = see(1000);
  traffic.keep(new Set());
  expect(see(2000)).toBeGreaterThan(first ?? Number.POSITIVE_INFINITY);
});

describe('a model whose package says from which score on its detections are believed', () => {
  /** Ids of the tracks that frames of one score leave, each by some model. */
  const tracksBy = (models: readonly Parameters<ModelSchemes['of']>[0][], score: number) => {
    const [traffic, schemes] = [new CamerasTraffic(), new ModelSchemes()];
    return models.map((model, at) => {
      const frame = { width: 200, height: 100, capturedAt: 1000 + at * 100, lagMs: null };
      const detections = [{ box: [0.4, 0.2, 0.1, 0.1] as const, classIndex: 0, score }];
      return traffic.update('north', PLAN, schemes.of(model, undefined), frame, detections)?.seen.objects[0]?.id;
    });
  };
  const saying = (score: number, task = 'detector') => ({ ...OLD, task, thresholds: { score } });

  it('is followed from there on, and from 0.4 on where it says nothing', () => {
    for (const task of ['detector', 'grid']) {
      expect(tracksBy([saying(0.2, task)], 0.3)).toEqual([1]);
      expect(tracksBy([saying(0.6, task)], 0.5)).toEqual([undefined]);
    }
    expect([tracksBy([OLD], 0.3), tracksBy([OLD], 0.5)]).toEqual([[undefined], [1]]);
  });

  it('is not meant where it classifies: what is over its thresholds was a thing that moves before it was asked', () => {
    expect(tracksBy([saying(0.6, 'classification')], 0.5)).toEqual([1]);
  });

  it('goes on with the tracks of another one, and begins none that it would not have begun', () => {
    expect(tracksBy([saying(0.2), saying(0.6), saying(0.6)], 0.3)).toEqual([1, 1, 1]);
    expect(tracksBy([saying(0.6), saying(0.6), saying(0.2)], 0.3)).toEqual([undefined, undefined, 1]);
  });
});
