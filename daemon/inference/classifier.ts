import type { ModelIdentity } from '../../contract/messages/envelope.ts';
import { WaysideError } from '../../core/errors.ts';
import type { Execution } from '../../inference/hardware/execution.ts';
import type { RgbImage } from '../../inference/image.ts';
import type { Manifest } from '../../inference/manifest.ts';
import { createSurround, type Surround } from '../../inference/polygon.ts';
import { createPreprocessor, inputLength, type Preprocessor } from '../../inference/preprocess.ts';
import { probabilities, type Ranked, topK } from '../../inference/scores.ts';
import { floatsOf, floatTensor, type Session } from '../../inference/session.ts';
import type { Analysis, FrameModel, OpenedPackage, Wanted } from './frame-model.ts';

/**
 * Classifies regions of frames.
 *
 * Regions of one frame go through the model together when its batch is symbolic (or has room), one after the other
 * otherwise. Input memory is kept between frames.
 */
export class Classifier implements FrameModel {
  readonly identity: ModelIdentity;
  readonly manifest: Manifest;
  readonly execution: Execution;
  readonly #session: Session;
  readonly #preprocess: Preprocessor;
  readonly #surround: Surround;
  readonly #length: number;
  /** Rows of a model with a fixed batch; undefined when it takes any number. */
  readonly #fixedRows: number | undefined;
  #input: Float32Array;

  constructor({ identity, manifest, session, execution }: OpenedPackage) {
    this.execution = execution;
    this.identity = identity;
    this.manifest = manifest;
    this.#session = session;
    this.#preprocess = createPreprocessor(manifest.preprocessing);
    this.#surround = createSurround(manifest.preprocessing);
    this.#length = inputLength(manifest.preprocessing);
    const rows = session.input.shape[0];
    this.#fixedRows = typeof rows === 'number' ? rows : undefined;
    this.#input = new Float32Array((this.#fixedRows ?? 1) * this.#length);
  }

  /** @throws {WaysideError} PREPROCESS_MISMATCH, SESSION_RUN */
  async analyse(frame: RgbImage, { boxes, polygons, topK: best, threshold }: Wanted): Promise<Analysis> {
    const regions: Ranked[][] = [];
    const together = this.#fixedRows ?? boxes.length;
    let preprocessMs = 0;
    let runMs = 0;
    for (let from = 0; from < boxes.length; from += together) {
      const part = boxes.slice(from, from + together);
      const rows = this.#fixedRows ?? part.length;
      if (this.#input.length < rows * this.#length) this.#input = new Float32Array(rows * this.#length);
      const start = performance.now();
      part.forEach((box, row) => {
        const polygon = polygons?.[from + row];
        const shown = polygon === undefined ? frame : this.#surround(frame, polygon);
        this.#preprocess(shown, box, this.#input, row * this.#length);
      });
      const prepared = performance.now();
      const scores = await this.#run(rows);
      const classes = scores.length / rows;
      for (let row = 0; row < part.length; row++) {
        const ranked = topK(probabilities(scores.subarray(row * classes, (row + 1) * classes)), best);
        regions.push(ranked.filter(({ index, score }) => score >= this.#thresholdOf(index, threshold)));
      }
      preprocessMs += prepared - start;
      runMs += performance.now() - prepared;
    }
    return { preprocessMs, runMs, regions };
  }

  async #run(rows: number): Promise<Float32Array> {
    const { input, output } = this.#session;
    const data = this.#input.subarray(0, rows * this.#length);
    const tensor = floatTensor(data, [rows, 3, ...this.manifest.preprocessing.size]);
    const scores = floatsOf(await this.#session.run({ [input.name]: tensor }, { outputs: [output.name] }), output.name);
    const { classes } = this.manifest.output;
    if (scores.length === rows * classes) return scores;
    throw new WaysideError('SESSION_RUN', {
      message: `output ${output.name}: expected ${rows} x ${classes} scores, got ${scores.length}`,
      hint: 'the manifest of the package names another number of classes than the model has',
    });
  }

  #thresholdOf(index: number, configured: number): number {
    if (!Number.isNaN(configured)) return configured;
    const { score, classes } = this.manifest.thresholds;
    return classes?.[this.manifest.labels?.[index] ?? ''] ?? score;
  }
}
