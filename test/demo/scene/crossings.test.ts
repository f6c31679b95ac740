import { describe, expect, it } from 'vitest';
import { countingLines, sceneCrossings } from '../../../demo/scene/crossings.ts';
import { createScene } from '../../../demo/scene/scene.ts';
import { inWeather, WEATHERS } from '../../../demo/scene/weather.ts';

const scene = createScene(62);
const lines = countingLines(scene.lens);
const SECONDS = 36;
const crossings = sceneCrossings(62, scene.lens, lines, { from: 0, to: SECONDS });

describe('crossings of the scene', () => {
  it('know each lane by its direction: vehicles on three lines, walkers both ways on the fourth', () => {
    const directions = (line: string) =>
      new Set(crossings.filter((each) => each.line === line).map((c) => c.direction));
    for (const line of ['near', 'far', 'side']) expect(directions(line).size, line).toBe(1);
    expect(new Set(crossings.filter(({ line }) => line === 'zebra').map((each) => each.class))).toEqual(
      new Set(['pedestrian']),
    );
    expect(crossings.filter(({ line }) => line !== 'zebra').some((each) => each.class === 'pedestrian')).toBe(false);
    expect(crossings.length).toBeGreaterThan(8);
  });

  it('are those of what a camera without anything in its way sees: the outline’s bottom centre changes sides', () => {
    for (const { name, line, t } of crossings) {
      const { from, to } = lines.find(({ id }) => id === line)!;
      const sideAt = (time: number): number | undefined => {
        const object = scene.frame(time * scene.fps).objects.find((each) => each.name === name);
        if (object === undefined) return undefined;
        const [x, y] = [object.box[0] + object.box[2] / 2, object.box[1] + object.box[3]];
        return Math.sign((to[0] - from[0]) * (y - from[1]) - (to[1] - from[1]) * (x - from[0]));
      };
      const [before, after] = [sideAt(t - 0.3), sideAt(t + 0.3)];
      if (before !== undefined && after !== undefined) expect([name, before]).toEqual([name, -after]);
    }
  });
});

describe('weather', () => {
  it.each(WEATHERS.filter((weather) => weather !== 'clear'))(
    '%s is the same every time, and another image',
    (weather) => {
      const frame = scene.frame(100);
      const kept = Uint8Array.from(frame.image.data);
      const [first, again] = [inWeather(frame, weather, 62), inWeather(scene.frame(100), weather, 62)];
      expect(Buffer.compare(first.image.data, again.image.data)).toBe(0);
      expect(Buffer.compare(first.image.data, kept)).not.toBe(0);
      expect(Buffer.compare(frame.image.data, kept)).toBe(0);
    },
  );

  it('takes the truth along where the camera shakes', () => {
    const moved = [100, 103, 106, 109].map((index) => {
      const frame = scene.frame(index);
      return inWeather(frame, 'shake', 62).objects.map(({ box }, i) => [
        box[0] - frame.objects[i]!.box[0],
        box[1] - frame.objects[i]!.box[1],
      ]);
    });
    for (const objects of moved)
      for (const [dx, dy] of objects) {
        expect(dx).toBeCloseTo(objects[0]![0]!, 9);
        expect(dy).toBeCloseTo(objects[0]![1]!, 9);
      }
    expect(new Set(moved.map((objects) => objects[0]?.join())).size).toBeGreaterThan(1);
  });
});
