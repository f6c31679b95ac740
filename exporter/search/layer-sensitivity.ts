import type { Width, Widths } from '../quantize/precision.ts';
import type { Calibrated, Choice } from './calibrated.ts';
import { distance } from './divergence.ts';
import { type Answers, type AskOptions, answersOf, imagesOf, spreadOver } from './predictions.ts';

/** Enough to rank layers by: their divergences differ by factors, not by percents. */
const IMAGES = 64;

/**
 * What quantizing single layers does to the answers: how far they are from the float model's (`distance`), with every
 * other layer in float.
 */
export class LayerDamage {
  readonly #calibrated: Calibrated;
  readonly #choice: Choice;
  readonly #asked: AskOptions;
  #expected: Answers | undefined;

  constructor(calibrated: Calibrated, choice: Choice, options: AskOptions, images = IMAGES) {
    this.#calibrated = calibrated;
    this.#choice = choice;
    this.#asked = { ...options, indices: spreadOver(options.indices, imagesOf(options.preprocessing, images)) };
  }

  /** @throws {WaysideError} SESSION_LOAD, SESSION_RUN; AbortError when the options' signal aborts */
  async of(layer: string, width: Width): Promise<number> {
    if (width === 'float') return 0;
    const calibrated = this.#calibrated;
    this.#expected ??= await answersOf(calibrated.model, this.#asked);
    const float = new Set(calibrated.layers.map(({ node }) => node.name).filter((name) => name !== layer));
    const alone = await calibrated.quantized({ ...this.#choice, widths: new Map([[layer, width]]), float });
    return distance(this.#expected, await answersOf(alone, this.#asked));
  }

  /** Of all layers at once. */
  async together(widths: Widths): Promise<number> {
    const calibrated = this.#calibrated;
    this.#expected ??= await answersOf(calibrated.model, this.#asked);
    const all = await calibrated.quantized({ ...this.#choice, widths });
    return distance(this.#expected, await answersOf(all, this.#asked));
  }

  async ofAll(widths: Widths): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>();
    for (const [layer, width] of widths) found.set(layer, await this.of(layer, width));
    return found;
  }
}
