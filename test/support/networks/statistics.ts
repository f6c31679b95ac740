import { floatsOf, floatTensor, openSession } from '../../../inference/session.ts';
import { int, ints } from '../../../onnx/attributes.ts';
import { encodeModel } from '../../../onnx/file/write.ts';
import type { Model, Node } from '../../../onnx/graph.ts';
import { float32Tensor } from '../../../onnx/tensor.ts';
import { inputsOf } from './images.ts';

/**
 * The model with the statistics in its BatchNormalizations that a batch of images really has there, as after training: random
 * weights behind placeholder statistics would grow or die out with depth.
 *
 * In one run: each BatchNormalization is written out as (x - E[x]) / sqrt(E[(x - E[x])^2]) * gamma + beta over the batch.
 */
export async function withStatistics(model: Model, images = 16): Promise<Model> {
  const { graph } = model;
  const norms = graph.nodes.filter(({ opType }) => opType === 'BatchNormalization');
  if (norms.length === 0) return model;
  const initializers = new Map(graph.initializers);
  const nodes = graph.nodes.flatMap((node) => (norms.includes(node) ? writtenOut(node, initializers) : [node]));
  const measured = norms.flatMap((node) => statisticsOf(node));
  const outputs = measured.map((name) => ({ name, dtype: 'float32' as const, shape: null }));
  const inputs = graph.inputs.map((input) => ({ ...input, shape: input.shape && [images, ...input.shape.slice(1)] }));
  const session = await openSession(
    encodeModel({ ...model, graph: { ...graph, inputs, nodes, initializers, outputs, valueInfo: new Map() } }),
    { optimization: 'disabled' },
  );
  try {
    const { name, shape } = session.input;
    const dims = shape.map(Number);
    const results = await session.run({ [name]: floatTensor(inputsOf(images, dims[2] ?? 0), dims) });
    const found = new Map(graph.initializers);
    for (const node of norms) {
      statisticsOf(node).forEach((value, i) => {
        const measured = floatsOf(results, value);
        const values = i === 0 ? measured.slice() : floored(measured);
        found.set(node.inputs[3 + i] ?? '', float32Tensor([values.length], values));
      });
    }
    return { ...model, graph: { ...graph, initializers: found } };
  } finally {
    await session.close();
  }
}

/** A channel that hardly varies would be blown up, and the rounding errors in it: training leaves none such. */
function floored(variances: Float32Array): Float32Array {
  const mean = variances.reduce((sum, value) => sum + value, 0) / variances.length;
  return variances.map((value) => Math.max(value, mean));
}

const statisticsOf = ({ name }: Node): [string, string] => [`${name}/mean_flat`, `${name}/variance_flat`];

function writtenOut(node: Node, initializers: Map<string, ReturnType<typeof float32Tensor>>): Node[] {
  const [x = '', gamma = '', beta = ''] = node.inputs;
  const channels = initializers.get(gamma)?.dims[0] ?? 0;
  const over = { axes: ints([0, 2, 3]) };
  const shaped = (value: string): string => {
    const name = `${value}/image`;
    initializers.set(name, { dtype: 'float32', dims: [1, channels, 1, 1], bytes: initializers.get(value)!.bytes });
    return name;
  };
  const [meanFlat, varianceFlat] = statisticsOf(node);
  const step = (opType: string, inputs: readonly string[], output: string, attributes = {}): Node => ({
    name: output,
    opType,
    domain: '',
    inputs,
    outputs: [output],
    attributes,
  });
  const at = (part: string): string => `${node.name}/${part}`;
  return [
    step('ReduceMean', [x], at('mean'), { ...over, keepdims: int(1) }),
    step('ReduceMean', [x], meanFlat, { ...over, keepdims: int(0) }),
    step('Sub', [x, at('mean')], at('centred')),
    step('Mul', [at('centred'), at('centred')], at('squares')),
    step('ReduceMean', [at('squares')], at('variance'), { ...over, keepdims: int(1) }),
    step('ReduceMean', [at('squares')], varianceFlat, { ...over, keepdims: int(0) }),
    step('Sqrt', [at('variance')], at('deviation')),
    step('Div', [at('centred'), at('deviation')], at('normal')),
    step('Mul', [at('normal'), shaped(gamma)], at('scaled')),
    step('Add', [at('scaled'), shaped(beta)], node.outputs[0] ?? ''),
  ];
}
