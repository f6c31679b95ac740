import { beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../core/random.ts';
import { ViewCheck } from '../../../../daemon/camera/view/view.ts';
import { lightAt } from '../../../../demo/scene/light.ts';
import { createScene } from '../../../../demo/scene/scene.ts';
import type { RgbImage } from '../../../../inference/image.ts';
import { type Weather, weathered } from '../../../support/weather.ts';

const SECONDS = 40;
const CHANGED_AT = 35;
const BACK_AT = 65;

type Change = (image: RgbImage) => RgbImage;

/** A box of seven pixels, across: edges four times as wide as before. */
const defocus: Change = (image) =>
  resampled(image, (at, x) => {
    let sum = 0;
    for (let by = -3; by <= 3; by++) sum += at(Math.min(image.width - 1, Math.max(0, x + by)));
    return sum / 7;
  });

const turned =
  (by: number): Change =>
  (image) =>
    resampled(image, (at, x) => at(Math.min(image.width - 1, Math.max(0, x + Math.round(by * image.width)))));

function resampled(
  { width, height, data }: RgbImage,
  pick: (at: (x: number) => number, x: number) => number,
): RgbImage {
  const made = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let channel = 0; channel < 3; channel++) {
      const at = (x: number): number => data[(y * width + x) * 3 + channel]!;
      for (let x = 0; x < width; x++) made[(y * width + x) * 3 + channel] = pick(at, x);
    }
  }
  return { width, height, data: made };
}

/** Looks once a second; each view with the second it was first said, and since when it is said to be so. */
function views(images: (second: number) => RgbImage, seconds: number, check = new ViewCheck()) {
  const said: { view: string | null; at: number; since: number | null }[] = [];
  for (let second = 0; second < seconds; second++) {
    check.keyframe();
    check.add(second * 1000, images(second));
    if (check.view !== said.at(-1)?.view) said.push({ view: check.view, at: second, since: check.since });
  }
  return said;
}

const names = (said: ReturnType<typeof views>): (string | null)[] => said.map(({ view }) => view);
const duskSeed = Array.from({ length: 100 }, (_, seed) => seed).find((seed) => lightAt(seed, 0).dusk)!;
const WEATHERS: readonly Weather[] = ['day', 'rain', 'snow', 'fog', 'night'];

describe.each([
  ['by day', 3],
  ['at dusk', duskSeed],
])('a street %s', (_, seed) => {
  let frames: readonly RgbImage[];
  beforeAll(() => {
    const scene = createScene(seed);
    frames = Array.from({ length: SECONDS }, (_each, second) => scene.frame(second * scene.fps).image);
  });
  const shown = (weather: Weather, change: Change, until = Number.POSITIVE_INFINITY) =>
    views((second) => {
      const image = weathered(frames[second % SECONDS]!, weather, second);
      return second >= CHANGED_AT && second < until ? change(image) : image;
    }, 80);

  it.each(WEATHERS)('that stays as it is gives no reason, in weather: %s', (weather) => {
    expect(names(shown(weather, (image) => image))).toEqual(['ok']);
  });

  it.each(WEATHERS)('gives none when night or weather come at once: %s', (weather) => {
    const said = views((second) => weathered(frames[second % SECONDS]!, second < 20 ? 'day' : weather, second), 40);
    expect(names(said)).toEqual(['ok']);
  });

  it.each(WEATHERS)('is moved when the camera turns, and no longer when it turned back, in weather: %s', (weather) => {
    const said = shown(weather, turned(0.05), BACK_AT);
    expect(names(said)).toEqual(['ok', 'moved', 'ok']);
    expect(said[1]!.at).toBeLessThan(CHANGED_AT + 30);
    expect(said[1]!.since).toBeGreaterThanOrEqual(CHANGED_AT * 1000);
    expect(said[1]!.since).toBeLessThan((CHANGED_AT + 8) * 1000);
    expect(said[2]).toMatchObject({ since: null });
  });

  it.each(['day', 'night'] as const)('is not moved by a mast that sways, in weather: %s', (weather) => {
    const swaying = views((second) => {
      const image = weathered(frames[second % SECONDS]!, weather, second);
      return turned(0.008 * Math.sin(second * 2.3))(image);
    }, 60);
    expect(names(swaying)).toEqual(['ok']);
  });

  it('is blurred when the lens loses its focus, and no longer when it has it again', () => {
    const said = shown('day', defocus, BACK_AT);
    expect(names(said)).toEqual(['ok', 'blurred', 'ok']);
    expect(said[1]!.at).toBeLessThan(CHANGED_AT + 30);
    expect(said[1]!.since).toBe(CHANGED_AT * 1000);
  });

  it('that was never sharp is no worse than it was', () => {
    expect(names(views((second) => defocus(weathered(frames[second % SECONDS]!, 'day', second)), 60))).toEqual(['ok']);
  });

  it('is as it should be after a turn that is said to be meant', () => {
    const check = new ViewCheck();
    const image = (second: number): RgbImage => {
      if (second === 60) check.renew();
      const now = weathered(frames[second % SECONDS]!, 'day', second);
      return second < CHANGED_AT ? now : turned(0.2)(now);
    };
    expect(names(views(image, 95, check))).toEqual(['ok', 'moved', 'ok']);
  });
});

it.each([1, 2, 3, 4, 5, 6])('noise was not turned, nor anything else that never stood: seed %i', (seed) => {
  const random = seededRandom(seed);
  const noise = (): RgbImage => {
    const [width, height] = [320, 180];
    return { width, height, data: Uint8Array.from({ length: width * height * 3 }, () => random.below(256)) };
  };
  expect(names(views(noise, 90))).toEqual(['ok']);
});

it.each([1, 2, 3])('spots that wander over a dim wall were not turned: seed %i', (seed) => {
  const random = seededRandom(seed);
  const spots = Array.from({ length: 3 }, () => [random.below(300), random.below(160), random.below(9) + 2] as const);
  const wall = (second: number): RgbImage => {
    const [width, height] = [320, 180];
    const data = Uint8Array.from({ length: width * height * 3 }, () => 22 + random.below(10));
    for (const [x, y, speed] of spots) {
      const [left, top] = [(x + speed * second) % 300, (y + 3 * second) % 160];
      for (let row = top; row < top + 20; row++)
        data.fill(255, (row * width + left) * 3, (row * width + left + 20) * 3);
    }
    return { width, height, data };
  };
  expect(names(views(wall, 90))).toEqual(['ok']);
});
