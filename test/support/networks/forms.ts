import { float, int, ints, string, tensor } from '../../../onnx/attributes.ts';
import type { Attributes, Graph, Model, Node } from '../../../onnx/graph.ts';
import { float32Tensor, int64Tensor, type Tensor } from '../../../onnx/tensor.ts';

/** The same network as other exporters write it: from a model to one that computes the same. */
export type Form = (model: Model) => Model;

const withGraph = (model: Model, parts: Partial<Graph>): Model => ({ ...model, graph: { ...model.graph, ...parts } });

const step = (opType: string, inputs: readonly string[], output: string, attributes: Attributes = {}): Node => ({
  name: output,
  opType,
  domain: '',
  inputs,
  outputs: [output],
  attributes,
});

const inputOf = ({ graph }: Model) => graph.inputs[0]!;

/** Puts nodes before what reads the input; `to` is the value that takes its place. */
function behindInput(model: Model, first: readonly Node[], to: string, parts: Partial<Graph>): Model {
  const { name } = inputOf(model);
  const nodes = model.graph.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((input) => (input === name ? to : input)),
  }));
  return withGraph(model, { ...parts, nodes: [...first, ...nodes] });
}

/** Every initializer as a Constant node, as torch.onnx does without `keep_initializers_as_inputs`. */
export const constantNodes: Form = (model) => {
  const constants = [...model.graph.initializers].map(([name, value]) =>
    step('Constant', [], name, { value: tensor(value) }),
  );
  return withGraph(model, { initializers: new Map(), nodes: [...constants, ...model.graph.nodes] });
};

/** The pads of each convolution in a Pad before it, as from Keras. */
export const padBeforeConv: Form = (model) => {
  const initializers = new Map(model.graph.initializers);
  const nodes = model.graph.nodes.flatMap((node): Node[] => {
    const pads = node.attributes.pads;
    if (node.opType !== 'Conv' || pads?.type !== 'ints' || pads.value.every((pad) => pad === 0)) return [node];
    const [top = 0, left = 0, bottom = 0, right = 0] = pads.value;
    initializers.set(`${node.name}/pads`, int64Tensor([8], [0, 0, top, left, 0, 0, bottom, right]));
    const { pads: _, ...attributes } = node.attributes;
    const padded = `${node.name}/padded`;
    const inputs = [padded, ...node.inputs.slice(1)];
    return [step('Pad', [node.inputs[0] ?? '', `${node.name}/pads`], padded), { ...node, inputs, attributes }];
  });
  return withGraph(model, { initializers, nodes });
};

/** Pads by rule; the same only where height and width are odd or the stride is 1. */
export const automaticPads: Form = (model) =>
  withGraph(model, {
    nodes: model.graph.nodes.map((node) => {
      const { pads: _, ...attributes } = node.attributes;
      const strided = node.attributes.strides?.type === 'ints' && node.attributes.strides.value.some((s) => s > 1);
      if (node.opType !== 'Conv' || strided) return node;
      return { ...node, attributes: { ...attributes, auto_pad: string('SAME_UPPER') } };
    }),
  });

/** Each BatchNormalization as Mul and Add with constants `[C, 1, 1]`, as tf2onnx writes it. */
export const normAsMulAdd: Form = (model) => {
  const initializers = new Map(model.graph.initializers);
  const nodes = model.graph.nodes.flatMap((node): Node[] => {
    if (node.opType !== 'BatchNormalization') return [node];
    const [x = '', ...names] = node.inputs;
    const [gamma, beta, mean, variance] = names.map((name) => floatsOf(initializers.get(name)!));
    const channels = gamma?.length ?? 0;
    const factor = Float32Array.from(gamma!, (g, c) => g / Math.sqrt(variance![c]! + 1e-5));
    const offset = factor.map((f, c) => beta![c]! - f * mean![c]!);
    initializers.set(`${node.name}/factor`, float32Tensor([channels, 1, 1], factor));
    initializers.set(`${node.name}/offset`, float32Tensor([1, channels, 1, 1], offset));
    const scaled = step('Mul', [x, `${node.name}/factor`], `${node.name}/scaled`);
    return [scaled, step('Add', [`${node.name}/offset`, `${node.name}/scaled`], node.outputs[0] ?? '')];
  });
  return withGraph(model, { initializers, nodes });
};

const floatsOf = ({ bytes }: Tensor): Float32Array => new Float32Array(bytes.slice().buffer);

/** Residual sums as Sum, as Caffe2 writes them. */
export const sumOfTwo: Form = (model) =>
  withGraph(model, {
    nodes: model.graph.nodes.map((node) => (node.opType === 'Add' ? { ...node, opType: 'Sum' } : node)),
  });

/** The value before the classifier as a second output. */
export const twoOutputs: Form = (model) => {
  const { nodes, outputs } = model.graph;
  const pooled = nodes.find(({ opType }) => opType === 'GlobalAveragePool')?.outputs[0] ?? '';
  return withGraph(model, { outputs: [...outputs, { name: pooled, dtype: 'float32', shape: null }] });
};

/** Mean and deviation taken off inside the model. */
export const normalizedInside: Form = (model) => {
  const initializers = new Map(model.graph.initializers)
    .set('pixel_mean', float32Tensor([1, 3, 1, 1], Float32Array.of(0.1, -0.2, 0.05)))
    .set('pixel_deviation', float32Tensor([1, 3, 1, 1], Float32Array.of(0.9, 1.1, 1)));
  const first = [
    step('Sub', [inputOf(model).name, 'pixel_mean'], 'centred_pixels'),
    step('Div', ['centred_pixels', 'pixel_deviation'], 'pixels'),
  ];
  return behindInput(model, first, 'pixels', { initializers });
};

/** Images channels last, as TensorFlow has them. */
export const channelsLast: Form = (model) => {
  const { name, dtype, shape } = inputOf(model);
  const [batch = null, channels = null, height = null, width = null] = shape ?? [];
  const first = [step('Transpose', [name], 'planes', { perm: ints([0, 3, 1, 2]) })];
  return behindInput(model, first, 'planes', { inputs: [{ name, dtype, shape: [batch, height, width, channels] }] });
};

/** Images as bytes; the model casts and scales them itself. */
export const bytesIn: Form = (model) => {
  const { name, shape } = inputOf(model);
  const initializers = new Map(model.graph.initializers).set('most', float32Tensor([], Float32Array.of(255)));
  const first = [step('Cast', [name], 'floats', { to: int(1) }), step('Div', ['floats', 'most'], 'shares')];
  return behindInput(model, first, 'shares', { initializers, inputs: [{ name, dtype: 'uint8', shape }] });
};

/** One channel instead of three. */
export const greyIn: Form = (model) => {
  const { name, dtype, shape } = inputOf(model);
  const first = [step('Concat', [name, name, name], 'colours', { axis: int(1) })];
  const inputs = [{ name, dtype, shape: (shape ?? []).map((dim, axis) => (axis === 1 ? 1 : dim)) }];
  return behindInput(model, first, 'colours', { inputs });
};

/** A second input that is added to the image. */
export const twoInputs: Form = (model) => {
  const { name, dtype, shape } = inputOf(model);
  const inputs = [inputOf(model), { name: 'second', dtype, shape }];
  return behindInput(model, [step('Add', [name, 'second'], 'both')], 'both', { inputs });
};

/** The matrix product with factors of its own and its weights the other way round. */
export const scaledGemm: Form = (model) => {
  const initializers = new Map(model.graph.initializers);
  const nodes = model.graph.nodes.map((node) => {
    if (node.opType !== 'Gemm') return node;
    const [x = '', w = '', b = ''] = node.inputs;
    const {
      dims: [rows = 0, columns = 0],
      ...rest
    } = initializers.get(w)!;
    const values = floatsOf({ dims: [], ...rest });
    const turned = Float32Array.from(
      { length: values.length },
      (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]! * 2,
    );
    initializers.set('head.turned', float32Tensor([columns, rows], turned));
    return { ...node, inputs: [x, 'head.turned', b], attributes: { alpha: float(0.5), beta: float(1) } };
  });
  return withGraph(model, { initializers, nodes });
};
