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

/** What is known where only channels were observed: nothing of how columns vary together. */
export interface InputVariances extends Pick<InputMoments, 'columns' | 'groups' | 'mean'> {
  /** E[(x - mean)^2], `[groups, columns]`. */
  readonly variances: Float64Array;
}

/** E[(x - mean)^2] of all columns, `[groups, columns]`. */
export function variancesOf(moments: InputMoments | InputVariances): Float64Array {
  if ('variances' in moments) return moments.variances;
  const variances = new Float64Array(moments.groups * moments.columns);
  for (let g = 0; g < moments.groups; g++) variances.set(columnVariances(moments, g), g * moments.columns);
  return variances;
}

/**
 * Most columns of one block. 576 = 64 channels of a 3x3 kernel: every layer of the CIFAR ResNets and the squeeze
 * layers of SqueezeNet stay whole; a 512-channel layer of a VGG16 takes 8 blocks, 10.6 MB instead of 85 MB.
 */
const MOST_COLUMNS = 576;

/** Blocks of matrix products are not made narrower than this for want of samples: the damping holds those. */
const FEWEST_COLUMNS = 64;
const SAMPLES_PER_COLUMN = 8;

/**
 * Columns in a block: whole input channels where the kernel allows it.
 *
 * @param samples rows that there will be, where they are few: below about 8 a column how columns vary together is mostly chance. A matrix
 * product over the 25,088 features of 32 images is better off with narrow blocks, and nine times quicker.
 */
export function blockColumnsFor(columns: number, kernelSize: number, samples = Number.POSITIVE_INFINITY): number {
  const most = Math.max(FEWEST_COLUMNS, Math.min(MOST_COLUMNS, Math.floor(samples / SAMPLES_PER_COLUMN)));
  if (columns <= most) return columns;
  return kernelSize >= most ? most : Math.floor(most / kernelSize) * kernelSize;
}

/** Weights from which on a layer is rounded in matrix products, and its moments are sampled no more than they need. */
const LARGE = 2 ** 16;

export const isLarge = ({ rows, columns }: { readonly rows: number; readonly columns: number }): boolean =>
  rows * columns > LARGE;

/** E[(x - mean)^2] of each column of a group: the diagonal of the covariance. */
export function columnVariances(moments: InputMoments, group: number): Float64Array {
  const variances = new Float64Array(moments.columns);
  moments.covariance[group]!.forEach((block, b) => {
    const size = Math.sqrt(block.length);
    for (let i = 0; i < size; i++) variances[b * moments.blockColumns + i] = block[i * size + i]!;
  });
  return variances;
}
