import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../core/hash.ts';
import { boxOf, PLACES } from '../../../demo/scene/regions.ts';
import { createScene } from '../../../demo/scene/scene.ts';
import { regionTruth } from '../../../demo/scene/truth.ts';
import { CLASSES } from '../../../demo/scene/types.ts';

const scene = createScene(3);
const FRAMES = Array.from({ length: 40 }, (_, i) => i * 17);

describe('the rendered street', () => {
  it('depends on seed and index alone, in whatever order frames are asked for', () => {
    const another = createScene(3);
    another.frame(500);
    const [first, second] = [scene.frame(77), another.frame(77)];
    expect(digestOf(second.image.data)).toBe(digestOf(first.image.data));
    expect(second.objects).toEqual(first.objects);
    expect(digestOf(createScene(4).frame(77).image.data)).not.toBe(digestOf(first.image.data));
    expect(digestOf(scene.frame(78).image.data)).not.toBe(digestOf(first.image.data));
  });

  it('keeps every box inside the frame and the visible box inside the whole one', () => {
    for (const { objects } of FRAMES.map((index) => scene.frame(index))) {
      for (const { box, visibleBox, visibility } of objects) {
        for (const [x, y, width, height] of [box, visibleBox]) {
          expect(Math.min(x, y, 1 - x - width, 1 - y - height)).toBeGreaterThanOrEqual(-1e-9);
          expect(Math.min(width, height)).toBeGreaterThan(0);
        }
        expect(visibleBox[0]).toBeGreaterThanOrEqual(box[0] - 1e-9);
        expect(visibleBox[1]).toBeGreaterThanOrEqual(box[1] - 1e-9);
        expect(visibleBox[0] + visibleBox[2]).toBeLessThanOrEqual(box[0] + box[2] + 1e-9);
        expect(visibleBox[1] + visibleBox[3]).toBeLessThanOrEqual(box[1] + box[3] + 1e-9);
        expect(visibility).toBeGreaterThan(0);
        expect(visibility).toBeLessThanOrEqual(1);
      }
    }
  });

  it('gives an object one class for life and never two objects one name', () => {
    const classes = new Map<string, string>();
    for (const { objects } of FRAMES.map((index) => scene.frame(index))) {
      expect(new Set(objects.map(({ name }) => name)).size).toBe(objects.length);
      for (const { name, class: own } of objects) expect(classes.get(name) ?? own).toBe(own);
      for (const { name, class: own } of objects) classes.set(name, own);
    }
    expect(classes.size).toBeGreaterThan(20);
  });

  it('shows every class in the regions of the demonstration, none more than two times in three', () => {
    const seen = new Map<string, number>();
    const boxes = PLACES.map((place) => boxOf(scene.lens, place));
    for (let index = 0; index < 900; index += 12) {
      const { objects } = scene.frame(index);
      for (const box of boxes) {
        const { class: name } = regionTruth(objects, box);
        seen.set(name, (seen.get(name) ?? 0) + 1);
      }
    }
    const total = [...seen.values()].reduce((sum, n) => sum + n, 0);
    for (const name of CLASSES) {
      const share = (seen.get(name) ?? 0) / total;
      expect(share, name).toBeGreaterThan(0.02);
      expect(share, name).toBeLessThan(0.67);
    }
  });
});
