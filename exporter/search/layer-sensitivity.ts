import type { Precision, Precisions } from '../quantize/precision.ts';
import type { Calibrated, Choice } from './calibrated.ts';
import { distance } from './divergence.ts';
import { type AskOptions, imagesOf, type Predictions, predictionsOf, spreadOver } from './predictions.ts';

/** Enough to rank layers by: their divergences differ by factors, not by percents. */
const IMAGES = 64;

/**
 * What quantizing single layers does to the answers: how far they are from the float model's (`distance`), with every
 * other layer in float.
 */
export class LayerSensitivity {
  readonly #calibrated: Calibrated;
  readonly #choice: Choice;
  readonly #asked: AskOptions;
  #expected: Predictions | undefined;

  constructor(calibrated: Calibrated, choice: Choice, options: AskOptions, images = IMAGES) {
    this.#calibrated = calibrated;
    this.#choice = choice;
    this.#asked = { ...options, indices: spreadOver(options.indices, imagesOf(options.preprocessing, images)) };
  }

  /** @throws {WaysideError} SESSION_LOAD, SESSION_RUN; AbortError when the options' signal aborts */
  async of(layer: string, width: Precision): Promise<number> {
    if (width === 'float') return 0;
    const calibrated = this.#calibrated;
    this.#expected ??= await predictionsOf(calibrated.model, this.#asked);
    const float = new Set(calibrated.layers.map(({ node }) => node.name).filter((name) => name !== layer));
    const alone = await calibrated.quantized({ ...this.#choice, precisions: new Map([[layer, width]]), float });
    return distance(this.#expected, await predictionsOf(alone, this.#asked));
  }

  /** Of all layers at once. */
  async together(precisions: Precisions): Promise<number> {
    const calibrated = this.#calibrated;
    this.#expected ??= await predictionsOf(calibrated.model, this.#asked);
    const all = await calibrated.quantized({ ...this.#choice, precisions });
    return distance(this.#expected, await predictionsOf(all, this.#asked));
  }

  async ofAll(precisions: Precisions): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>();
    for (const [layer, width] of precisions) found.set(layer, await this.of(layer, width));
    return found;
  }
}
