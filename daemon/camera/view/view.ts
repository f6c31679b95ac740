import type { CameraReason, View } from '../types.ts';
import { type Content, contentOf } from './content.ts';
import { FrozenCheck } from './frozen.ts';
import { type Grid, sampleGrid } from './grid.ts';

/** A picture is looked at so often at most: what is asked takes seconds to answer. */
const LOOK_EVERY_MS = 250;
/** A lorry before the lens, or a shutter that adapts, passes. */
const CONTENT_MS = 10_000;

const MEANINGS: Readonly<Record<Exclude<View, 'ok'>, string>> = {
  frozen: 'the picture has stopped: frames arrive and none brings anything new',
  dark: 'the picture is black',
  covered: 'the picture is of one tone: the lens is covered, fogged or blinded',
  'test-pattern': 'the camera shows a test pattern',
};

/** What a camera shows. Times in ms of one monotonic clock. */
export class ViewCheck {
  readonly #frozen = new FrozenCheck();
  #lookedAt = Number.NEGATIVE_INFINITY;
  #content: { readonly kind: Content; readonly since: number } | undefined;
  #view: View | null = null;

  /** Null until an image was seen. */
  get view(): View | null {
    return this.#view;
  }

  get concern(): CameraReason | undefined {
    if (this.#view === null || this.#view === 'ok') return undefined;
    return { code: 'CAMERA_VIEW', message: MEANINGS[this.#view] };
  }

  keyframe(): void {
    this.#frozen.keyframe();
  }

  /** Looks at an image, or passes it over when the last look was just now. */
  add(at: number, image: Parameters<typeof sampleGrid>[0]): void {
    if (at - this.#lookedAt < LOOK_EVERY_MS) return;
    this.#lookedAt = at;
    this.#judge(at, sampleGrid(image));
  }

  #judge(at: number, grid: Grid): void {
    const frozen = this.#frozen.add(at, grid);
    const kind = contentOf(grid);
    if (this.#content?.kind !== kind) this.#content = { kind, since: at };
    const lasting = at - this.#content.since >= CONTENT_MS;
    if (kind !== 'street' && lasting) this.#view = kind;
    else if (frozen && kind === 'street') this.#view = 'frozen';
    else this.#view = 'ok';
  }
}
