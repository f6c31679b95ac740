/**
 * First and second moments of what a layer's weights are multiplied with: the columns of im2col for a convolution, the
 * input features for a matrix product. `columns` = input channels of one group * kernel size.
 *
 * The layer's output error for a change D of one row of weights, bias corrected, is D' C D with C the covariance here.
 */
export interface InputMoments {
  readonly columns: number;
  /** Groups of a grouped convolution; 1 otherwise. */
  readonly groups: number;
  /** Columns in one block: covariances between blocks are not kept, so that memory grows linearly with the columns. */
  readonly blockColumns: number;
  /** `[group][block]`, each a symmetric `[size, size]` matrix, row-major; the last block of a group may be smaller. */
  readonly covariance: readonly (readonly Float32Array[])[];
  /** `[groups, columns]`. */
  readonly mean: Float64Array;
  /** Rows that were sampled. */
  readonly samples: number;
}

/**
 * Most columns of one block. 576 = 64 channels of a 3x3 kernel: every layer of the CIFAR ResNets and the squeeze
 * layers of SqueezeNet stay whole; a 512-channel layer of a VGG16 takes 8 blocks, 10.6 MB instead of 85 MB.
 */
const MOST_COLUMNS = 576;

/** Columns in a block: whole input channels where the kernel allows it. */
export function blockColumnsFor(columns: number, kernelSize: number): number {
  if (columns <= MOST_COLUMNS) return columns;
  return kernelSize >= MOST_COLUMNS ? MOST_COLUMNS : Math.floor(MOST_COLUMNS / kernelSize) * kernelSize;
}

/** E[(x - mean)^2] of each column of a group: the diagonal of the covariance. */
export function columnVariances(moments: InputMoments, group: number): Float64Array {
  const variances = new Float64Array(moments.columns);
  moments.covariance[group]!.forEach((block, b) => {
    const size = Math.sqrt(block.length);
    for (let i = 0; i < size; i++) variances[b * moments.blockColumns + i] = block[i * size + i]!;
  });
  return variances;
}
