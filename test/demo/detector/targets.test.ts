import { describe, expect, it } from 'vitest';
import { HEAD, PREPROCESSING, ROAD_USERS, SCORES } from '../../../demo/detector/network.ts';
import { TARGET_LENGTH, type Wanted, wantedOf, writeTargets } from '../../../demo/detector/targets.ts';
import { createScene } from '../../../demo/scene/scene.ts';
import { intersectionOverUnion } from '../../../inference/heads/detection.ts';
import { decodeGrid, gridLength } from '../../../inference/heads/grid.ts';

const LENGTH = gridLength(HEAD, PREPROCESSING.size, ROAD_USERS.length);
const image = { width: 640, height: 360 };

/** What a network says that has learned its targets by heart. */
function perfect(objects: readonly Wanted[], shift: readonly [number, number] = [0, 0]) {
  const targets = new Float32Array(TARGET_LENGTH);
  writeTargets(objects, shift, targets, 0);
  const places = LENGTH / SCORES.length;
  const output = targets.slice(0, LENGTH).map((value, i) => {
    if (!SCORES[Math.floor(i / places)]!) return value;
    return value === 0 ? -20 : Math.log(value / (1 - Math.min(value, 1 - 1e-6)));
  });
  return { targets, found: decodeGrid(output, { head: HEAD, preprocessing: PREPROCESSING, image, least: 0.4 }) };
}

describe('the targets of the street detector', () => {
  it('fill the output and its weights', () => {
    expect(TARGET_LENGTH).toBe(2 * LENGTH);
  });

  it('are read back as the objects they were made of', () => {
    const scene = createScene(61);
    let objects = 0;
    for (const index of [40, 300, 700]) {
      const clear = wantedOf(scene.frame(index).objects).filter(({ visibility }) => visibility > 0.9);
      // Two of one class in one another's cells are one peak: those are left out here.
      const apart = clear.filter((each) => clear.every((other) => other === each || distance(each, other) > 0.06));
      const { found } = perfect(apart);
      expect(found).toHaveLength(apart.length);
      for (const { box, classIndex } of apart) {
        const best = found.filter((each) => each.classIndex === classIndex);
        expect(Math.max(...best.map((each) => intersectionOverUnion(each.box, box)))).toBeGreaterThan(0.75);
      }
      objects += apart.length;
    }
    expect(objects).toBeGreaterThan(4);
  });

  it('of a shifted image are shifted', () => {
    const [found] = perfect([{ classIndex: 2, box: [0.1, 0.3, 0.2, 0.25], visibility: 1 }], [0.03, -0.05]).found;
    expect(found?.classIndex).toBe(2);
    for (const [i, side] of [0.13, 0.25, 0.2, 0.25].entries()) expect(found?.box[i]).toBeCloseTo(side, 2);
  });

  it('weigh nothing where an object is hardly visible', () => {
    const { targets, found } = perfect([{ classIndex: 0, box: [0.4, 0.4, 0.1, 0.1], visibility: 0.2 }]);
    expect(found).toEqual([]);
    const weights = targets.subarray(LENGTH);
    const scores = weights.filter((_, i) => SCORES[Math.floor(i / (LENGTH / SCORES.length))]);
    expect(scores.filter((weight) => weight === 0).length).toBeGreaterThan(0);
    expect(scores.filter((weight) => weight === 0).length).toBeLessThan(30);
  });
});

function distance(a: Wanted, b: Wanted): number {
  const middle = ({ box: [x, y, w, h] }: Wanted): readonly [number, number] => [x + w / 2, y + h / 2];
  return Math.hypot(middle(a)[0] - middle(b)[0], middle(a)[1] - middle(b)[1]);
}
