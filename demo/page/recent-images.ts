import sharp from 'sharp';
import { startCamera } from '../../daemon/camera/camera.ts';
import type { CameraOptions, Frame } from '../../daemon/camera/types.ts';

/** An image of the camera, ready for a browser. */
interface RecentImage {
  /** ms since 1970, as the box stamps its own. */
  readonly capturedAt: number;
  /** JPEG, base64. */
  readonly data: string;
}

/** Lines of an image: enough to see, small enough to send ten times a second. */
const HEIGHT = 360;
const QUALITY = 78;
/** A detection is shown on the image nearest in time; two seconds of them are plenty. */
const KEPT = 24;
/** ms between a detection and the image it is drawn on, at most. */
const FARTHEST = 300;

/**
 * The camera's last images, while somebody looks. They come over a connection of their own: the box sends results, never
 * images.
 */
export class RecentImages {
  readonly #options: Omit<CameraOptions, 'id' | 'workingSize'>;
  readonly #images: RecentImage[] = [];
  #camera: ReturnType<typeof startCamera> | undefined;
  #encoding = false;

  constructor(options: Omit<CameraOptions, 'id' | 'workingSize'>) {
    this.#options = options;
  }

  /** Connects when it is wanted, disconnects when it is not. */
  async want(wanted: boolean): Promise<void> {
    if (wanted && this.#camera === undefined) {
      const camera = startCamera(
        { ...this.#options, id: 'page', workingSize: { shorterSide: HEIGHT } },
        { onFrame: () => void this.#encode(camera) },
      );
      this.#camera = camera;
    } else if (!wanted && this.#camera !== undefined) {
      const camera = this.#camera;
      this.#camera = undefined;
      this.#images.length = 0;
      await camera.stop();
    }
  }

  /** @param capturedAt ms since 1970 */
  nearest(capturedAt: number): RecentImage | undefined {
    const away = (image: RecentImage): number => Math.abs(image.capturedAt - capturedAt);
    const best = this.#images.reduce<RecentImage | undefined>(
      (nearest, image) => (nearest === undefined || away(image) < away(nearest) ? image : nearest),
      undefined,
    );
    return best !== undefined && away(best) <= FARTHEST ? best : undefined;
  }

  /** One at a time: what arrives meanwhile waits as the camera's latest frame. */
  async #encode(camera: ReturnType<typeof startCamera>): Promise<void> {
    if (this.#encoding) return;
    this.#encoding = true;
    try {
      for (let frame = camera.takeFrame(); frame !== undefined; frame = camera.takeFrame()) {
        const image = await encoded(frame);
        camera.giveBack(frame.data);
        if (this.#camera !== camera) return;
        this.#images.push(image);
        if (this.#images.length > KEPT) this.#images.shift();
      }
    } finally {
      this.#encoding = false;
    }
  }
}

async function encoded({ data, width, height, capturedAtWall }: Frame): Promise<RecentImage> {
  const jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: QUALITY })
    .toBuffer();
  return { capturedAt: capturedAtWall, data: jpeg.toString('base64') };
}
