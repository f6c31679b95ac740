import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../core/random.ts';
import { sampleGrid } from '../../../../daemon/camera/view/grid.ts';
import { ViewCheck } from '../../../../daemon/camera/view/view.ts';

const [WIDTH, HEIGHT] = [64, 48];
type Colour = readonly [number, number, number];

function image(colour: (x: number, y: number) => Colour): Uint8Array {
  const data = new Uint8Array(WIDTH * HEIGHT * 3);
  for (let y = 0, at = 0; y < HEIGHT; y++) for (let x = 0; x < WIDTH; x++, at += 3) data.set(colour(x, y), at);
  return data;
}

const grey = (level: number): Colour => [level, level, level];
const gradient = (offset = 0) => image((x, y) => grey(40 + x * 2 + y + offset));

/** Shows images at 5 a second with a keyframe a second; answers when each view began. */
function show(seconds: number, frame: (index: number) => Uint8Array, keyframes = true): { view: string; at: number }[] {
  const check = new ViewCheck();
  const views: { view: string; at: number }[] = [];
  for (let index = 0; index < seconds * 5; index++) {
    if (keyframes && index % 5 === 0) check.keyframe();
    check.add(index * 200, { width: WIDTH, height: HEIGHT, data: frame(index) });
    if (check.view !== null && check.view !== views.at(-1)?.view) views.push({ view: check.view, at: index * 200 });
  }
  return views;
}

/** Noise on few points, as a low bitrate leaves it, drawn anew for each keyframe. */
function noisy(index: number, period: number): Uint8Array {
  const random = seededRandom(Math.floor(index / period));
  return image((x, y) => grey(Math.round(40 + x * 2 + y + (random.next() < 0.02 ? 2 : 0))));
}

describe('an image that has stopped', () => {
  it('is frozen within 30 s, and no longer when it moves', () => {
    const views = show(60, (index) => (index < 150 ? gradient() : gradient(index % 7)));
    expect(views.map(({ view }) => view)).toEqual(['ok', 'frozen', 'ok']);
    expect(views[1]?.at).toBeLessThan(30_000);
    expect(views[2]?.at).toBeLessThan(31_000);
  });

  it('is frozen also where keyframe and refinements differ, in turn', () => {
    const views = show(40, (index) => gradient(index % 5 === 0 ? 1 : index % 5 === 1 ? 0 : -1));
    expect(views.map(({ view }) => view)).toEqual(['ok', 'frozen']);
  });

  it('is not: a quiet street that repeats bit for bit between keyframes, however long', () => {
    expect(show(120, (index) => noisy(index, 5)).map(({ view }) => view)).toEqual(['ok']);
    expect(
      show(110, () => gradient(), false).map(({ view }) => view),
      'no keyframe in 110 s',
    ).toEqual(['ok']);
    expect(show(130, () => gradient(), false).map(({ view }) => view)).toEqual(['ok', 'frozen']);
  });

  it('is not: a short clip in a loop', () => {
    expect(show(120, (index) => gradient((index % 40) * 3)).map(({ view }) => view)).toEqual(['ok']);
    expect(
      show(120, (index) => noisy(index % 60, 5)).map(({ view }) => view),
      'nearly still',
    ).toEqual(['ok']);
  });
});

describe('an image of nothing', () => {
  const bars: readonly Colour[] = [
    [191, 191, 191],
    [191, 191, 0],
    [0, 191, 191],
    [0, 191, 0],
    [191, 0, 191],
    [191, 0, 0],
    [0, 0, 191],
  ];
  it.each([
    ['dark', () => image(() => grey(4))],
    ['dark', (index: number) => image((x, y) => grey((x * 7 + y * 3 + index) % 9))],
    ['covered', (index: number) => image((x, y) => grey(120 + ((x + y + index) % 4)))],
    ['test-pattern', () => image((x) => bars[Math.floor((x * 7) / WIDTH)]!)],
    [
      'test-pattern',
      (index: number) => image((x, y) => (y > 36 ? grey((x * index) % 256) : bars[Math.floor((x * 7) / WIDTH)]!)),
    ],
  ])('is called %s', (view, frame) => {
    const views = show(15, frame);
    expect(views.map((each) => each.view)).toEqual(['ok', view]);
  });

  it('is not: lamps at night, a lorry before the lens, two halves', () => {
    const lamps = (index: number) => {
      const random = seededRandom(index);
      return image((x, y) => grey(x % 16 === 3 && y < 24 ? 200 : 5 + Math.floor(random.next() * 3)));
    };
    expect(show(15, lamps).map(({ view }) => view)).toEqual(['ok']);
    const lorry = (index: number) => (index > 20 && index < 60 ? image(() => grey(90)) : gradient(index % 7));
    expect(show(15, lorry).map(({ view }) => view)).toEqual(['ok']);
    const halves = (index: number) =>
      image((x, y) => (Math.abs(y - (index % 40)) < 2 ? grey(255) : x < 32 ? [255, 0, 0] : [0, 0, 255]));
    expect(show(15, halves).map(({ view }) => view)).toEqual(['ok']);
  });
});

describe('a look at an image', () => {
  it('reads 768 pixels, however large the image is', () => {
    for (const [width, height] of [
      [640, 480],
      [3840, 2160],
    ] as const) {
      const read = new Set<string>();
      const data = new Proxy(new Uint8Array(0), {
        get: (_, index) => {
          read.add(String(index));
          return Number(index) % 251;
        },
      });
      sampleGrid({ width, height, data });
      expect(read.size).toBe(768 * 3);
    }
  });
});
