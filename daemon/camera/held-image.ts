/** RGB, row-major. */
interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** To the daemon: every camera's picture stops; a second one lets them go on. */
export const HOLD_IMAGES_SIGNAL = 'SIGUSR2';
/** Longer than a drill waits; then they go on by themselves. */
export const HELD_IMAGES_MS = 180_000;

/**
 * A camera whose picture has stopped, for a drill: frames go on arriving, each with the image that came first. It ends by itself: nobody
 * has to be there for the camera to see again. Times in ms of one monotonic clock.
 */
export class HeldImage {
  #until = Number.NEGATIVE_INFINITY;
  #image: Pixels | undefined;

  hold(now: number, forMs: number): void {
    this.#image = undefined;
    this.#until = now + forMs;
  }

  release(): void {
    this.#image = undefined;
    this.#until = Number.NEGATIVE_INFINITY;
  }

  isHeld(now: number): boolean {
    return now < this.#until;
  }

  /** Writes the held image over a frame's; one of another size is held from then on. */
  over(now: number, { width, height, data }: Pixels): void {
    if (!this.isHeld(now)) this.release();
    else if (this.#image?.width === width && this.#image.height === height) data.set(this.#image.data);
    else this.#image = { width, height, data: data.slice() };
  }
}
