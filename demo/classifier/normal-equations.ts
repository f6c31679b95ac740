import { floatsOf, floatTensor, openSession, type Session } from '../../inference/session.ts';
import { int } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import { encodeModel } from '../../onnx/write.ts';
import type { FeatureBatch } from './features.ts';
import { ridge, type Square } from './linear.ts';
import type { Head } from './network.ts';

/** Rows multiplied at a time: the product of a block is `size` squared floats whatever its height. */
const BLOCK = 512;

/**
 * Collects XᵀX and XᵀY of features and one-hot classes, block by block: memory does not grow with the number of samples.
 * The products run in ONNX Runtime in float32; the sums over blocks are float64.
 */
export class NormalEquations {
  readonly #size: number;
  readonly #session: Session;
  readonly #gram: Square;
  readonly #mean: Float64Array;
  readonly #cross: readonly Float64Array[];
  readonly #classCounts: number[];
  readonly #block: Float32Array;
  #rows = 0;
  #samples = 0;

  private constructor(size: number, classes: number, session: Session) {
    this.#size = size;
    this.#session = session;
    this.#gram = { size, values: new Float64Array(size * size) };
    this.#mean = new Float64Array(size);
    this.#cross = Array.from({ length: classes }, () => new Float64Array(size));
    this.#classCounts = Array.from({ length: classes }, () => 0);
    this.#block = new Float32Array(BLOCK * size);
  }

  static async open(size: number, classes: number): Promise<NormalEquations> {
    const builder = new GraphBuilder('gram');
    const rows = builder.input('rows', 'float32', ['N', size]);
    const again = builder.input('again', 'float32', ['N', size]);
    const [product] = builder.node('Gemm', [rows, again], { transA: int(1) });
    builder.output(product, 'float32', [size, size]);
    const session = await openSession(encodeModel(builder.build({ opset: 13, irVersion: 8 })), { threads: 2 });
    return new NormalEquations(size, classes, session);
  }

  async add({ count, length, values, labels }: FeatureBatch): Promise<void> {
    for (let i = 0; i < count; i++) {
      const row = values.subarray(i * length, (i + 1) * length);
      this.#block.set(row, this.#rows++ * this.#size);
      const label = labels[i]!;
      const cross = this.#cross[label]!;
      this.#classCounts[label]!++;
      this.#samples++;
      for (let k = 0; k < length; k++) {
        this.#mean[k]! += row[k]!;
        cross[k]! += row[k]!;
      }
      if (this.#rows === BLOCK) await this.#flush();
    }
  }

  async #flush(): Promise<void> {
    if (this.#rows === 0) return;
    const tensor = floatTensor(this.#block.subarray(0, this.#rows * this.#size), [this.#rows, this.#size]);
    const product = floatsOf(await this.#session.run({ rows: tensor, again: tensor }), this.#session.output.name);
    for (let i = 0; i < product.length; i++) this.#gram.values[i]! += product[i]!;
    this.#rows = 0;
  }

  /**
   * Ridge regression on standardized features, folded back into weights for the raw ones.
   * Ends the collection: the equations are overwritten.
   *
   * @param lambda relative to the variance of one feature
   */
  async solve(lambda: number): Promise<Head> {
    await this.#flush();
    await this.#session.close();
    const n = this.#samples;
    const size = this.#size;
    const mean = this.#mean.map((sum) => sum / n);
    const { values } = this.#gram;
    const deviation = mean.map((m, k) => Math.sqrt(Math.max(1e-8, values[k * size + k]! / n - m * m)));
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        const at = i * size + j;
        values[at] = (values[at]! / n - mean[i]! * mean[j]!) / (deviation[i]! * deviation[j]!);
      }
    }
    const prior = this.#classCounts.map((count) => count / n);
    const targets = this.#cross.map((sums, c) =>
      sums.map((sum, k) => (sum / n - mean[k]! * prior[c]!) / deviation[k]!),
    );
    const solved = ridge(this.#gram, targets, lambda);
    const weights = new Float32Array(size * solved.length);
    const biases = new Float32Array(solved.length);
    for (const [c, own] of solved.entries()) {
      let bias = prior[c]!;
      for (let k = 0; k < size; k++) {
        const weight = own[k]! / deviation[k]!;
        weights[k * solved.length + c] = weight;
        bias -= weight * mean[k]!;
      }
      biases[c] = bias;
    }
    return { weights, biases };
  }
}
