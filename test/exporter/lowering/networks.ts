import { int, ints } from '../../../onnx/attributes.ts';
import type { Dimension, Model } from '../../../onnx/graph.ts';
import { NetworkBuilder } from '../networks.ts';

export const SIDE = 16;
const WIDTH = 16;
const TOKENS = 16;
const CLASSES = 10;

/** A network builder that knows the parts of transformers, as PyTorch's exporters write them. */
export class TokenBuilder extends NetworkBuilder {
  readonly batch: Dimension;

  constructor(batch: Dimension) {
    super('tokens');
    this.batch = batch;
  }

  /** `[N, T, C]`: one token for each 4x4 part of the image. */
  tokens(): string {
    const image = this.input('image', 'float32', [this.batch, 3, SIDE, SIDE]);
    const [patches] = this.node('Conv', [image, this.weights('patch', [WIDTH, 3, 4, 4]), this.weights('b', [WIDTH])], {
      strides: ints([4, 4]),
    });
    return this.transpose(this.reshape(patches, [this.first, WIDTH, TOKENS]), [0, 2, 1]);
  }

  /** The batch as a Reshape says it. */
  get first(): number {
    return typeof this.batch === 'number' ? this.batch : -1;
  }

  linear(x: string, from: number, to: number, bias: readonly number[] = [to]): string {
    const [product] = this.node('MatMul', [x, this.weights('w', [from, to])]);
    return this.node('Add', [product, this.weights('b', bias)])[0];
  }

  override reshape(x: string, dims: readonly number[]): string {
    return this.node('Reshape', [x, this.integers('dims', dims)])[0];
  }

  transpose(x: string, perm: readonly number[]): string {
    return this.node('Transpose', [x], { perm: ints(perm) })[0];
  }

  mean(x: string, axis: number): string {
    return this.node('ReduceMean', [x], { axes: ints([axis]), keepdims: int(0) })[0];
  }

  finish(x: string, width: number): Model {
    const [scores] = this.node(
      'Gemm',
      [x, this.weights('fc', [width, CLASSES]), this.weights('b', [CLASSES])],
      {},
      { outputs: ['scores'] },
    );
    this.output(scores, 'float32', [this.batch, CLASSES]);
    return this.build({ opset: 17, irVersion: 8 });
  }
}

/** Two products with biases between patches and the mean of the tokens: the MLP of a transformer. */
export function tokenMlp(batch: Dimension): Model {
  const b = new TokenBuilder(batch);
  const tokens = b.tokens();
  const hidden = b.relu(b.linear(tokens, WIDTH, 2 * WIDTH));
  const [sum] = b.node('Add', [tokens, b.linear(hidden, 2 * WIDTH, WIDTH)]);
  return b.finish(b.mean(sum, 1), WIDTH);
}

/** Attention of one head with its tokens first, `[T, N, C]`, as `nn.MultiheadAttention` writes it. */
export function sequenceFirst(batch: Dimension): Model {
  const b = new TokenBuilder(batch);
  const tokens = b.transpose(b.tokens(), [1, 0, 2]);
  const [query, key, value] = [0, 1, 2].map(() => b.linear(tokens, WIDTH, WIDTH)) as [string, string, string];
  const [products] = b.node('MatMul', [b.transpose(query, [1, 0, 2]), b.transpose(key, [1, 2, 0])]);
  const [share] = b.node('Softmax', [products], { axis: int(-1) });
  const [mixed] = b.node('MatMul', [share, b.transpose(value, [1, 0, 2])]);
  const [sum] = b.node('Add', [tokens, b.linear(b.transpose(mixed, [1, 0, 2]), WIDTH, WIDTH)]);
  return b.finish(b.mean(sum, 0), WIDTH);
}

/** Vectors `[N, C]` whose products are summed with what no Gemm of ours takes for a bias: a residual, a column, one value. */
export function vectorSums(batch: number): Model {
  const b = new TokenBuilder(batch);
  const vector = b.mean(b.tokens(), 1);
  const [product] = b.node('MatMul', [vector, b.weights('w', [WIDTH, WIDTH])]);
  const [residual] = b.node('Add', [product, b.relu(vector)]);
  const column = b.linear(b.relu(residual), WIDTH, WIDTH, [batch, 1]);
  const single = b.linear(b.relu(column), WIDTH, WIDTH, []);
  return b.finish(b.relu(b.linear(b.relu(single), WIDTH, WIDTH, [1, WIDTH])), WIDTH);
}

/** Attention of one image without its batch, `[T, C]`: the sum behind the product of two activations. */
export function matrixAttention(): Model {
  const b = new TokenBuilder(1);
  const tokens = b.reshape(b.tokens(), [TOKENS, WIDTH]);
  const [products] = b.node('MatMul', [b.linear(tokens, WIDTH, WIDTH), b.transpose(tokens, [1, 0])]);
  const [biased] = b.node('Add', [products, b.weights('positions', [TOKENS, TOKENS])]);
  const [share] = b.node('Softmax', [biased], { axis: int(-1) });
  const [mixed] = b.node('MatMul', [share, tokens]);
  const [pooled] = b.node('ReduceMean', [mixed], { axes: ints([0]), keepdims: int(1) });
  return b.finish(pooled, WIDTH);
}

/** Tokens mixed by weights that come first, then by weights `[1, C, C]`, with no bias anywhere. */
export function mixer(): Model {
  const b = new TokenBuilder('N');
  const [mixed] = b.node('MatMul', [b.weights('w', [TOKENS, TOKENS]), b.tokens()]);
  const [product] = b.node('MatMul', [b.relu(mixed), b.weights('w', [1, WIDTH, WIDTH])]);
  return b.finish(b.mean(product, 1), WIDTH);
}

/** Channel attention as in ECA-Net: a convolution over the line of the channels. */
export function channelLine(batch: Dimension): Model {
  const b = new TokenBuilder(batch);
  const image = b.input('image', 'float32', [batch, 3, SIDE, SIDE]);
  const maps = b.relu(b.convolution(image, 3, WIDTH, { stride: 2 }));
  const [pooled] = b.node('GlobalAveragePool', [maps]);
  const line = b.reshape(pooled, [b.first, 1, WIDTH]);
  const [near] = b.node('Conv', [line, b.weights('eca', [1, 1, 3])], { pads: ints([1, 1]) }, { name: 'eca' });
  const [gate] = b.node('Sigmoid', [b.reshape(near, [b.first, WIDTH, 1, 1])]);
  const [gated] = b.node('Mul', [maps, gate]);
  const last = b.relu(b.convolution(gated, WIDTH, WIDTH, { stride: 2 }));
  const [mean] = b.node('GlobalAveragePool', [last]);
  return b.finish(b.reshape(mean, [b.first, WIDTH]), WIDTH);
}

/** A convolution over lines of pixels, in groups, strided, dilated and unevenly padded, its Relu behind it. */
export function groupedLine(): Model {
  const b = new TokenBuilder('N');
  const lines = b.transpose(b.tokens(), [0, 2, 1]);
  const inputs = [lines, b.weights('w', [2 * WIDTH, WIDTH / 2, 3]), b.weights('b', [2 * WIDTH])];
  const attributes = { group: int(2), strides: ints([2]), dilations: ints([2]), pads: ints([3, 1]) };
  const [sums] = b.node('Conv', inputs, attributes);
  return b.finish(b.mean(b.relu(sums), 2), 2 * WIDTH);
}

/** Between two convolutions, one that ONNX Runtime has no integer kernel for. */
export function withTransposedConvolution(): Model {
  const b = new TokenBuilder('N');
  const image = b.input('image', 'float32', ['N', 3, SIDE, SIDE]);
  const maps = b.relu(b.convolution(image, 3, WIDTH, { stride: 2 }));
  const [wide] = b.node(
    'ConvTranspose',
    [maps, b.weights('up', [WIDTH, WIDTH, 2, 2]), b.weights('b', [WIDTH])],
    { strides: ints([2, 2]) },
    { name: 'upsample' },
  );
  const last = b.relu(b.convolution(b.relu(wide), WIDTH, WIDTH, { stride: 2 }));
  const [mean] = b.node('GlobalAveragePool', [last]);
  return b.finish(b.reshape(mean, [-1, WIDTH]), WIDTH);
}

/** A convolution whose filters the image makes. */
export function withComputedFilters(): Model {
  const b = new TokenBuilder(1);
  const image = b.input('image', 'float32', [1, 3, SIDE, SIDE]);
  const maps = b.relu(b.convolution(image, 3, 8, { stride: 2 }));
  const [pooled] = b.node('GlobalAveragePool', [maps]);
  const filters = b.reshape(b.linear(b.reshape(pooled, [1, 8]), 8, 64), [8, 8, 1, 1]);
  const [sums] = b.node('Conv', [maps, filters], {}, { name: 'dynamic' });
  const [mean] = b.node('GlobalAveragePool', [sums]);
  return b.finish(b.reshape(mean, [1, 8]), 8);
}
