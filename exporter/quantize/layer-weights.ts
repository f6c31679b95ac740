/** A layer's weights as decided: weight[row] = scale[row] * code. */
export interface LayerWeights {
  /** `[rows, columns]`. */
  readonly codes: Int8Array;
  /** `[rows]`, positive. */
  readonly scales: Float32Array;
  /** Float, before it becomes int32; undefined for a layer without one. */
  readonly bias: Float32Array | undefined;
  /** One per group of consecutive rows; empty for weights that are not clustered. */
  readonly codebooks: readonly Int8Array[];
  readonly indexBits: number;
}
