import { storeCodes } from '../../exporter/quantize/codebook.ts';
import { int, string } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import { float32Tensor, int64Vector, type Tensor, uint8Tensor } from '../../onnx/tensor.ts';
import { DATA_TYPES } from '../../onnx/types.ts';

const SIDE = 8;

/** A layer of codes as the exporter stores them, and what a hostile file has in place of one of its constants. */
export interface CodebookLayer {
  readonly clusters: number;
  readonly groups?: number;
  readonly columns?: number;
}

/** Every index is in use; the last entry of the codebook is taken away where it is to be too short. */
export function codebookModel(
  { clusters, groups = 1, columns = 48 }: CodebookLayer,
  { tooShort }: { readonly tooShort: boolean },
) {
  const rows = 64;
  const books = Array.from({ length: groups }, () => Int8Array.from({ length: clusters }, (_, i) => i - 64));
  const codes = Int8Array.from({ length: rows * columns }, (_, i) => (i % clusters) - 64);
  const builder = new GraphBuilder('codes');
  const indexBits = Math.ceil(Math.log2(clusters));
  const weights = storeCodes(builder, { dims: [rows, columns], codes, codebooks: books, indexBits });
  const image = builder.input('image', 'float32', ['N', 3, SIDE, SIDE]);
  const scale = builder.constant('scale', float32Tensor([], Float32Array.of(0.01)));
  const [wide = ''] = builder.node('DequantizeLinear', [weights, scale]);
  const [flat = ''] = builder.node('Flatten', [image], { axis: int(1) });
  const shape = builder.constant('shape', int64Vector([rows * 4, columns / 4]));
  const [matrix = ''] = builder.node('Reshape', [wide, shape]);
  const sized = builder.constant('sized', int64Vector([-1, rows * 4]));
  const [image64 = ''] = builder.node('Reshape', [flat, sized]);
  const [scores = ''] = builder.node('MatMul', [image64, matrix], {}, { outputs: ['scores'] });
  builder.output(scores, 'float32', ['M', columns / 4]);
  const model = builder.build({ opset: 25, irVersion: 12 });
  const isBook = (tensor: Tensor): boolean =>
    tensor.dtype === 'int8' && tensor.dims.at(-1) === clusters && tensor.dims.length === (groups > 1 ? 2 : 1);
  const initializers = new Map(
    [...model.graph.initializers].map(([name, tensor]) => [
      name,
      tooShort && isBook(tensor) ? shortened(tensor, groups) : tensor,
    ]),
  );
  return encodeModel({ ...model, graph: { ...model.graph, initializers } });
}

function shortened({ dtype, dims, bytes }: Tensor, groups: number): Tensor {
  const width = (dims.at(-1) ?? 0) - 1;
  const kept = Buffer.concat(
    Array.from({ length: groups }, (_, i) => bytes.subarray(i * (width + 1), (i + 1) * (width + 1) - 1)),
  );
  return { dtype, dims: [...dims.slice(0, -1), width], bytes: kept };
}

/** A file of some hundred bytes that asks a runtime for any number of floats when it is loaded. */
export function zerosModel(sides: readonly number[]): Uint8Array {
  const builder = new GraphBuilder('bomb');
  const image = builder.input('image', 'float32', ['N', 3, SIDE, SIDE]);
  const shape = builder.constant('shape', int64Vector(sides));
  const [zeros = ''] = builder.node('ConstantOfShape', [shape]);
  const [sum = ''] = builder.node('ReduceSum', [zeros], { keepdims: int(0) });
  const [scores = ''] = builder.node('Add', [image, sum], {}, { outputs: ['scores'] });
  builder.output(scores, 'float32', ['N', 3, SIDE, SIDE]);
  return encodeModel(builder.build({ opset: 13, irVersion: 8 }));
}

/** Shifts a row by a column, again and again: each time more indices, all of them in range. */
export function unfoldingModel(times: number): Uint8Array {
  const builder = new GraphBuilder('unfolding');
  const image = builder.input('image', 'float32', ['N', 3, SIDE, SIDE]);
  const book = builder.constant('book', float32Tensor([256], new Float32Array(256)));
  const column = builder.constant('column', uint8Tensor([64, 1], new Uint8Array(64)));
  let indices = builder.constant('row', uint8Tensor([1, 64], new Uint8Array(64)));
  for (let i = 0; i < times; i++) {
    const shifted = builder.op('BitShift', [indices, column], { direction: string('RIGHT') });
    indices = builder.op('Reshape', [shifted, builder.ints([1, 64 ** Math.min(i + 2, 8)])]);
  }
  const wide = builder.op('Cast', [indices], { to: int(DATA_TYPES.int32) });
  const [sum = ''] = builder.node('ReduceSum', [builder.op('Gather', [book, wide])], { keepdims: int(0) });
  const [scores = ''] = builder.node('Add', [image, sum], {}, { outputs: ['scores'] });
  builder.output(scores, 'float32', ['N', 3, SIDE, SIDE]);
  return encodeModel(builder.build({ opset: 18, irVersion: 8 }));
}
