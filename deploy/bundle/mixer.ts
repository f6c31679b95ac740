import { squash, stretch } from './logistic.ts';
import { type BinaryCoder, PROBABILITY_BITS } from './range-coder.ts';

/** Contexts that a table of probabilities distinguishes: 12 bits. */
const CONTEXTS = 4096;
/** A probability follows the mean of what it saw, of the last 400 or so where it saw more. */
const LONGEST_MEMORY = 400;
/** Step of the weights along the gradient of the coding cost. From 0.001 to 0.008 the clustered VGG16 changes by 0.04%. */
const LEARNING_RATE = 0.004;
const FULL = 2 ** PROBABILITY_BITS;

/**
 * Codes a symbol of a few bits as a path through a binary tree. Each context predicts every decision from what it saw in
 * the same place of the tree; the predictions are added as logits with weights that are learned on the way (logistic
 * mixing: Mahoney, "Adaptive Weighing of Context Models for Lossless Data Compression", 2005).
 *
 * Encoder and decoder run the same code on the same symbols and so predict the same.
 */
export class SymbolMixer {
  readonly #bits: number;
  readonly #inputs: number;
  /** Of a 1, shares of 2^16: `[inputs, CONTEXTS, 2^bits]`. */
  readonly #probabilities: Uint16Array;
  readonly #seen: Uint16Array;
  /** `[2^bits, inputs]`. */
  readonly #weights: Float64Array;
  readonly #logits: Float64Array;
  readonly #cells: Int32Array;

  /** @param bits of a symbol, 1 to 8 @param inputs how many contexts are mixed */
  constructor(bits: number, inputs: number) {
    this.#bits = bits;
    this.#inputs = inputs;
    this.#probabilities = new Uint16Array(inputs * (CONTEXTS << bits)).fill(FULL / 2);
    this.#seen = new Uint16Array(this.#probabilities.length);
    this.#weights = new Float64Array(inputs << bits).fill(1.2 / inputs);
    this.#logits = new Float64Array(inputs);
    this.#cells = new Int32Array(inputs);
  }

  /** @param contexts one a table, 0 to CONTEXTS - 1 */
  code(coder: BinaryCoder, symbol: number, contexts: Int32Array): number {
    let node = 1;
    for (let bit = this.#bits - 1; bit >= 0; bit--) {
      const decided = coder.code((symbol >> bit) & 1, this.#predict(node, contexts));
      this.#learn(node, decided);
      node = 2 * node + decided;
    }
    return node - (1 << this.#bits);
  }

  #predict(node: number, contexts: Int32Array): number {
    let sum = 0;
    for (let i = 0; i < this.#inputs; i++) {
      const cell = ((i * CONTEXTS + contexts[i]!) << this.#bits) + node;
      const logit = stretch(this.#probabilities[cell]!);
      this.#cells[i] = cell;
      this.#logits[i] = logit;
      sum += logit * this.#weights[node * this.#inputs + i]!;
    }
    this.#mixed = squash(sum);
    return this.#mixed;
  }

  #mixed = 0;

  #learn(node: number, bit: number): void {
    const error = ((bit * FULL - this.#mixed) / FULL) * LEARNING_RATE;
    const target = bit * (FULL - 1);
    for (let i = 0; i < this.#inputs; i++) {
      this.#weights[node * this.#inputs + i]! += error * this.#logits[i]!;
      const cell = this.#cells[i]!;
      const before = this.#probabilities[cell]!;
      const seen = this.#seen[cell]!;
      this.#probabilities[cell] = before + Math.trunc((target - before) / (seen + 1.6));
      if (seen < LONGEST_MEMORY) this.#seen[cell] = seen + 1;
    }
  }
}
