import { describe, expect, it } from 'vitest';
import { classScheme, countedDetections } from '../../../daemon/vision/class-scheme.ts';
import { COCO_CLASSES } from '../../../inference/heads/head.ts';
import type { Box } from '../../../inference/image.ts';

const seen = (name: string, score: number, box: Box = [0.4, 0.4, 0.2, 0.2]) => ({
  box,
  classIndex: COCO_CLASSES.indexOf(name),
  score,
});
const counted = (...detections: ReturnType<typeof seen>[]) => {
  const { scheme } = classScheme(COCO_CLASSES);
  return countedDetections(detections, scheme).map(({ classIndex, score }) => [scheme.classes[classIndex], score]);
};

describe('classScheme', () => {
  it('counts road users, and takes a model that knows none as it is', () => {
    expect(classScheme(COCO_CLASSES).scheme.classes).toEqual([
      'pedestrian',
      'bicycle',
      'motorcycle',
      'car',
      'bus',
      'truck',
      'unknown',
    ]);
    expect(classScheme(['red', 'green']).scheme).toMatchObject({
      classes: ['red', 'green'],
      counted: [0, 1],
      unknown: undefined,
    });
  });

  it('counts what was asked for and nothing else, and names what the model does not know', () => {
    const { scheme, unknown } = classScheme(['car', 'van', 'dog'], { motor: ['car', 'van', 'tram'] });
    expect(scheme).toMatchObject({ classes: ['motor'], counted: [0, 0, undefined], unknown: undefined });
    expect(unknown).toEqual(['tram']);
  });
});

describe('countedDetections', () => {
  it('makes one object of two classes on one box', () => {
    expect(counted(seen('truck', 0.4), seen('car', 0.5, [0.4, 0.4, 0.21, 0.2]))).toEqual([['car', 0.5]]);
  });

  it('believes a mistaken class that there is an object, and any vote for a road user what it is', () => {
    expect(counted(seen('cell phone', 0.9), seen('car', 0.15))).toEqual([['car', 0.9]]);
    expect(counted(seen('cell phone', 0.9))).toEqual([['unknown', 0.9]]);
  });

  it('counts neither animals nor what a road user has with it', () => {
    expect(counted(seen('dog', 0.9))).toEqual([]);
    expect(counted(seen('person', 0.8), seen('bottle', 0.6, [0.45, 0.5, 0.05, 0.08]))).toEqual([['pedestrian', 0.8]]);
  });

  it('makes one object of a cycle and its rider, and two of a pedestrian beside it', () => {
    const bicycle = seen('bicycle', 0.3, [0.4, 0.5, 0.1, 0.2]);
    const { scheme } = classScheme(COCO_CLASSES);
    const [rider, ...others] = countedDetections([seen('person', 0.8, [0.42, 0.3, 0.06, 0.35]), bicycle], scheme);
    expect(others).toEqual([]);
    expect(rider).toMatchObject({ classIndex: scheme.classes.indexOf('bicycle'), score: 0.8, vote: 0.8 });
    expect(rider?.box.map((value) => Math.round(value * 100) / 100)).toEqual([0.4, 0.3, 0.1, 0.4]);
    expect(counted(seen('person', 0.8, [0.52, 0.3, 0.06, 0.35]), bicycle)).toHaveLength(2);
  });

  it('begins tracks from the threshold of the class that the model gave, whatever is counted', () => {
    const thresholds = { score: 0.6, classes: { car: 0.3, 'cell phone': 0.9 } };
    const { scheme } = classScheme(COCO_CLASSES, undefined, thresholds);
    const begins = (...detections: ReturnType<typeof seen>[]) =>
      countedDetections(detections, scheme).map((each) => each.begins);
    expect(begins(seen('car', 0.3))).toEqual([true]);
    expect(begins(seen('car', 0.29))).toEqual([false]);
    expect(begins(seen('bus', 0.5))).toEqual([false]);
    expect(begins(seen('bus', 0.5), seen('car', 0.4))).toEqual([true]); // one object, which one of two votes is enough for
    expect(begins(seen('cell phone', 0.7))).toEqual([false]);
    const [person, bicycle] = [
      seen('person', 0.7, [0.42, 0.3, 0.06, 0.35]),
      seen('bicycle', 0.2, [0.4, 0.5, 0.1, 0.2]),
    ];
    expect(begins(person, bicycle)).toEqual([true]);
    expect(countedDetections([person], classScheme(COCO_CLASSES).scheme)[0]?.begins).toBeUndefined();
  });
});
