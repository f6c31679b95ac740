import type { CameraReason, View } from '../types.ts';
import { BlurredCheck } from './blurred.ts';
import { type Content, contentOf } from './content.ts';
import { FrozenCheck } from './frozen.ts';
import { type Grid, type Image, sampleGrid } from './grid.ts';
import { MovedCheck } from './moved.ts';

/** An image is looked at so often at most: what is asked takes seconds to answer. */
const LOOK_EVERY_MS = 250;
/** And compared with the camera's past so often. */
const COMPARE_EVERY_MS = 1000;
/** A lorry before the lens, or a shutter that adapts, passes. */
const LASTING_MS = 10_000;

const MEANINGS: Readonly<Record<Exclude<View, 'ok'>, string>> = {
  frozen: 'the picture has stopped: frames arrive and none brings anything new',
  dark: 'the picture is black',
  covered: 'the picture is of one tone: the lens is covered, fogged or blinded',
  'test-pattern': 'the camera shows a test pattern',
  moved:
    'the camera was turned: what stands still is elsewhere than it used to be. If that is meant, draw its lines and regions anew, or restart the daemon',
  blurred: 'the picture has lost its sharpness: the lens is out of focus, wet or dirty',
};

interface Since<T> {
  readonly kind: T;
  readonly since: number;
}

/** What a camera shows. Times in ms of one monotonic clock. */
export class ViewCheck {
  readonly #frozen = new FrozenCheck();
  readonly #moved = new MovedCheck();
  readonly #blurred = new BlurredCheck();
  #lookedAt = Number.NEGATIVE_INFINITY;
  #comparedAt = Number.NEGATIVE_INFINITY;
  #content: Since<Content> | undefined;
  /** How it compares with the camera's past. */
  #change: Since<'none' | 'moved' | 'blurred'> = { kind: 'none', since: 0 };
  #view: View | null = null;
  #since: number | null = null;

  /** Null until an image was seen. */
  get view(): View | null {
    return this.#view;
  }

  /** When what is wrong with the view began, which is before it was noticed; null while nothing is. */
  get since(): number | null {
    return this.#since;
  }

  get concern(): CameraReason | undefined {
    if (this.#view === null || this.#view === 'ok') return undefined;
    return { code: 'CAMERA_VIEW', message: MEANINGS[this.#view] };
  }

  keyframe(): void {
    this.#frozen.keyframe();
  }

  /** The camera shows from now on what it is meant to show. */
  renew(): void {
    this.#moved.reset();
    this.#blurred.reset();
  }

  /** Looks at an image, or passes it over when the last look was just now. */
  add(at: number, image: Image): void {
    if (at - this.#lookedAt < LOOK_EVERY_MS) return;
    this.#lookedAt = at;
    const grid = sampleGrid(image);
    const frozen = this.#frozen.add(at, grid);
    const kind = contentOf(grid);
    if (this.#content?.kind !== kind) this.#content = { kind, since: at };
    if (kind === 'street' && at - this.#comparedAt >= COMPARE_EVERY_MS) this.#compare(at, image, grid);
    const { since } = this.#content;
    if (kind !== 'street' && at - since >= LASTING_MS) this.#say(kind, since);
    else if (frozen && kind === 'street') this.#say('frozen', this.#frozen.since);
    else if (this.#change.kind !== 'none' && at - this.#change.since >= LASTING_MS)
      this.#say(this.#change.kind, this.#change.since);
    else this.#say('ok', null);
  }

  #compare(at: number, image: Image, grid: Grid): void {
    this.#comparedAt = at;
    const moved = this.#moved.add(at, image);
    const blurred = !moved && this.#blurred.add(at, image, grid); // elsewhere other edges stand
    const kind = moved ? 'moved' : blurred ? 'blurred' : 'none';
    if (kind === this.#change.kind) return;
    // A lens that is turned is blurred while it turns: it has been wrong since then.
    const since = kind !== 'none' && this.#change.kind !== 'none' ? this.#change.since : at;
    this.#change = { kind, since };
  }

  #say(view: View, since: number | null): void {
    this.#view = view;
    this.#since = since;
  }
}
