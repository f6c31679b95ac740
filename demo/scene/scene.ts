import type { Box } from '../../inference/image.ts';
import { type Backdrop, paintBackdrop } from './backdrop.ts';
import { developFrame } from './develop.ts';
import { type Bounds, type Drawn, Layer } from './layer.ts';
import { createLens, HEIGHT, type Lens, OVERSAMPLING, WIDTH } from './lens.ts';
import { lightAt } from './light.ts';
import { signalsAt, signsAt } from './roadside.ts';
import { FPS } from './street.ts';
import { vehiclesAt } from './traffic.ts';
import type { ObjectTruth, Placed, SceneFrame } from './types.ts';
import { walkersAt } from './walkers.ts';

/** An object must show this many pixels to be there at all. */
const LEAST_PIXELS = 6;

/**
 * A street at a crossing. Frame `index` is a function of the seed and the index alone: rendered in any order, on any
 * machine, it is the same image with the same truth.
 */
export interface Scene {
  readonly seed: number;
  readonly fps: number;
  readonly width: number;
  readonly height: number;
  readonly lens: Lens;
  frame(index: number): SceneFrame;
}

export function createScene(seed: number): Scene {
  const lens = createLens(seed);
  const backdrop = paintBackdrop(seed, lens);
  const layer = new Layer(WIDTH * OVERSAMPLING, HEIGHT * OVERSAMPLING);
  return {
    seed,
    fps: FPS,
    width: WIDTH,
    height: HEIGHT,
    lens,
    frame: (index) => render(seed, index, lens, backdrop, layer),
  };
}

function render(seed: number, index: number, lens: Lens, backdrop: Backdrop, layer: Layer): SceneFrame {
  const t = index / FPS;
  const light = lightAt(seed, t);
  const things = [
    ...vehiclesAt(seed, t, light.dusk),
    ...walkersAt(seed, t),
    ...signsAt(seed, t),
    ...signalsAt(t),
  ].slice(0, 255);
  layer.clear(backdrop.nearness);
  const drawn = things.map((thing, i) => {
    layer.castShadow(thing, lens, light);
    return layer.draw(thing, i + 1, lens, light);
  });
  const image = developFrame(seed, index, backdrop, layer, light);
  return { index, image, objects: things.flatMap((thing, i) => truthOf(thing, i + 1, drawn[i], layer)) };
}

function truthOf(thing: Placed, owner: number, drawn: Drawn | undefined, layer: Layer): ObjectTruth[] {
  if (thing.class === undefined || drawn === undefined || drawn.bounds === null) return [];
  const { bounds } = drawn;
  const seen = { left: bounds.right, top: bounds.bottom, right: bounds.left, bottom: bounds.top };
  let samples = 0;
  for (let row = bounds.top; row < bounds.bottom; row++) {
    for (let column = bounds.left; column < bounds.right; column++) {
      if (layer.owner[row * layer.width + column] !== owner) continue;
      samples++;
      seen.left = Math.min(seen.left, column);
      seen.right = Math.max(seen.right, column + 1);
      seen.top = Math.min(seen.top, row);
      seen.bottom = row + 1;
    }
  }
  if (samples < LEAST_PIXELS * OVERSAMPLING ** 2) return [];
  return [
    {
      name: thing.name,
      class: thing.class,
      box: share(bounds, layer),
      visibleBox: share(seen, layer),
      visibility: samples / drawn.outline,
    },
  ];
}

const share = ({ left, top, right, bottom }: Bounds, { width, height }: Layer): Box => [
  left / width,
  top / height,
  (right - left) / width,
  (bottom - top) / height,
];
