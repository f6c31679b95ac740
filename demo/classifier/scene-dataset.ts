import sharp from 'sharp';
import type { Dataset, Sample } from '../../calibration/dataset.ts';
import { type Digest, digestOf } from '../../core/hash.ts';
import type { Box, RgbImage } from '../../inference/image.ts';
import { chance } from '../scene/chance.ts';
import { createScene, type Scene } from '../scene/scene.ts';
import { CLASSES, type SceneFrame } from '../scene/types.ts';
import { type Crop, drawCrop } from './crops.ts';

/** Seeds of the scenes of each part; the demonstration's seeds are below 1,000 and in neither. */
const FIRST_SEED = { train: 10_000, test: 20_000 } as const;

export interface SceneDatasetOptions {
  readonly scenes: number;
  readonly framesPerScene?: number;
  readonly cropsPerFrame?: number;
}

/** A crop and what the image alone does not tell. */
export interface SceneSample extends Sample {
  readonly contested: boolean;
}

/**
 * Regions cut from rendered streets, labelled by the scene's own truth. Frame and region of a position follow from the
 * position alone. A frame goes through JPEG first (4:2:0, quality 45 to 95): on the box, images have been through a
 * video encoder.
 */
export class SceneDataset implements Dataset {
  readonly name: string;
  readonly split: 'train' | 'test';
  readonly size: number;
  /** Regions of one scene: those of scene `i` begin at position `i * perScene`. */
  readonly perScene: number;
  readonly classes: readonly string[] = CLASSES;
  readonly #framesPerScene: number;
  readonly #cropsPerFrame: number;

  constructor(split: 'train' | 'test', { scenes, framesPerScene = 24, cropsPerFrame = 8 }: SceneDatasetOptions) {
    this.split = split;
    this.name = `scene:${scenes}x${framesPerScene}x${cropsPerFrame}`;
    this.perScene = framesPerScene * cropsPerFrame;
    this.size = scenes * this.perScene;
    this.#framesPerScene = framesPerScene;
    this.#cropsPerFrame = cropsPerFrame;
  }

  /** Of a few images of every scene: the others follow from the same code. */
  async digest(): Promise<Digest> {
    const scenes = Math.min(4, this.size / this.perScene);
    const indices = Array.from({ length: scenes }, (_, scene) => scene * this.perScene);
    const parts = [this.name, this.split];
    for await (const { label, image } of this.samples(indices)) parts.push(`${label} ${digestOf(image.data)}`);
    return digestOf(parts.join('\n'));
  }

  async *samples(indices?: readonly number[]): AsyncGenerator<SceneSample> {
    let scene: Scene | undefined;
    let shown: { readonly at: number; readonly frame: SceneFrame; readonly image: RgbImage } | undefined;
    for (const index of indices ?? Array.from({ length: this.size }, (_, i) => i)) {
      const at = Math.floor(index / this.#cropsPerFrame);
      const seed = FIRST_SEED[this.split] + Math.floor(at / this.#framesPerScene);
      if (scene?.seed !== seed) scene = createScene(seed);
      if (shown?.at !== at) {
        const random = chance(seed, 91, at);
        const frame = scene.frame(random.below(3000));
        shown = { at, frame, image: await recorded(frame.image, 45 + random.below(51)) };
      }
      const crop = drawCrop(scene, shown.frame, index % CLASSES.length, chance(seed, 92, index));
      yield sampleOf(`${seed}#${shown.frame.index}#${index}`, shown.image, crop);
    }
  }
}

/** The image after a lossy encoder, quality 1 to 100. */
export async function recorded({ data, width, height }: RgbImage, quality: number): Promise<RgbImage> {
  const jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality })
    .toBuffer();
  return { width, height, data: new Uint8Array(await sharp(jpeg).removeAlpha().raw().toBuffer()) };
}

function sampleOf(id: string, image: RgbImage, { box, label, contested }: Crop): SceneSample {
  return { id, label, contested, image: cut(image, box) };
}

function cut(image: RgbImage, box: Box): RgbImage {
  const left = Math.round(box[0] * image.width);
  const top = Math.round(box[1] * image.height);
  const width = Math.min(image.width, Math.max(left + 1, Math.round((box[0] + box[2]) * image.width))) - left;
  const height = Math.min(image.height, Math.max(top + 1, Math.round((box[1] + box[3]) * image.height))) - top;
  const data = new Uint8Array(width * height * 3);
  for (let row = 0; row < height; row++) {
    const from = ((top + row) * image.width + left) * 3;
    data.set(image.data.subarray(from, from + width * 3), row * width * 3);
  }
  return { width, height, data };
}
