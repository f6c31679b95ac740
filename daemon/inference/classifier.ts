import type { ModelIdentity } from '../../contract/messages/envelope.ts';
import { WaysideError } from '../../core/errors.ts';
import { verifyGolden } from '../../inference/golden.ts';
import { type Execution, type ExecutionChoice, openExecution } from '../../inference/hardware/execution.ts';
import { type Box, type RgbImage, WHOLE_FRAME } from '../../inference/image.ts';
import type { Manifest } from '../../inference/manifest.ts';
import { createPreprocessor, inputLength, type Preprocessor } from '../../inference/preprocess.ts';
import { readPackage } from '../../inference/read-package.ts';
import { probabilities, type Ranked, topK } from '../../inference/scores.ts';
import { floatsOf, floatTensor, type Session } from '../../inference/session.ts';

interface Wanted {
  readonly boxes: readonly Box[];
  readonly topK: number;
  /** NaN: the thresholds of the package. */
  readonly threshold: number;
}

interface Classified {
  readonly preprocessMs: number;
  readonly runMs: number;
  readonly regions: Ranked[][];
}

/** An input of zeros. */
async function runOnce(session: Session, preprocessing: Manifest['preprocessing']): Promise<unknown> {
  const { input, output } = session;
  const rows = typeof input.shape[0] === 'number' ? input.shape[0] : 1;
  const data = new Float32Array(rows * inputLength(preprocessing));
  const tensor = floatTensor(data, [rows, 3, ...preprocessing.size]);
  return await session.run({ [input.name]: tensor }, { outputs: [output.name] });
}

/** Runs before the first frame, so that this is not the slow one: allocations and page faults happen here. */
const WARM_UP_RUNS = 3;

/**
 * A model of a package, proven on this processor and warm, that classifies regions of frames.
 *
 * Regions of one frame go through the model together when its batch is symbolic (or has room), one after the other
 * otherwise. Input memory is kept between frames.
 */
export class Classifier {
  readonly identity: ModelIdentity;
  readonly execution: Execution;
  readonly #manifest: Manifest;
  readonly #session: Session;
  readonly #preprocess: Preprocessor;
  readonly #length: number;
  /** Rows of a model with a fixed batch; undefined when it takes any number. */
  readonly #fixedRows: number | undefined;
  #input: Float32Array;

  private constructor(identity: ModelIdentity, manifest: Manifest, session: Session, execution: Execution) {
    this.execution = execution;
    this.identity = identity;
    this.#manifest = manifest;
    this.#session = session;
    this.#preprocess = createPreprocessor(manifest.preprocessing);
    this.#length = inputLength(manifest.preprocessing);
    const rows = session.input.shape[0];
    this.#fixedRows = typeof rows === 'number' ? rows : undefined;
    this.#input = new Float32Array((this.#fixedRows ?? 1) * this.#length);
  }

  get labels(): string[] | null {
    return this.#manifest.labels ?? null;
  }

  /**
   * @throws {WaysideError} FILE_NOT_FOUND, PACKAGE_INVALID, SESSION_LOAD, GOLDEN_MISMATCH, PREPROCESS_MISMATCH, SESSION_RUN
   */
  static async load(dir: string, choice: ExecutionChoice): Promise<Classifier> {
    const { manifest, modelPath, digest, golden } = await readPackage(dir);
    const { preprocessing, name, version } = manifest;
    const { session, execution } = await openExecution(modelPath, choice, (opened) => runOnce(opened, preprocessing));
    await verifyGolden(session, preprocessing, golden, manifest.golden.tolerance);
    const classifier = new Classifier({ name, version, digest }, manifest, session, execution);
    const [height, width] = preprocessing.size;
    const grey = { width, height, data: new Uint8Array(width * height * 3).fill(128) };
    for (let run = 0; run < WARM_UP_RUNS; run++) {
      await classifier.classify(grey, { boxes: [WHOLE_FRAME], topK: 1, threshold: 0 });
    }
    return classifier;
  }

  /** @throws {WaysideError} PREPROCESS_MISMATCH, SESSION_RUN */
  async classify(frame: RgbImage, { boxes, topK: best, threshold }: Wanted): Promise<Classified> {
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
        this.#preprocess(frame, box, this.#input, row * this.#length);
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
    const tensor = floatTensor(data, [rows, 3, ...this.#manifest.preprocessing.size]);
    const scores = floatsOf(await this.#session.run({ [input.name]: tensor }, { outputs: [output.name] }), output.name);
    const { classes } = this.#manifest.output;
    if (scores.length === rows * classes) return scores;
    throw new WaysideError('SESSION_RUN', {
      message: `output ${output.name}: expected ${rows} x ${classes} scores, got ${scores.length}`,
      hint: 'the manifest of the package names another number of classes than the model has',
    });
  }

  #thresholdOf(index: number, configured: number): number {
    if (!Number.isNaN(configured)) return configured;
    const { score, classes } = this.#manifest.thresholds;
    return classes?.[this.#manifest.labels?.[index] ?? ''] ?? score;
  }
}
