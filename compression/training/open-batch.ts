import { WaysideError } from '../../core/errors.ts';
import { intAttribute } from '../../onnx/attributes.ts';
import type { Graph, Model, Node, Shape, ValueInfo } from '../../onnx/graph.ts';
import { inferShapes } from '../../onnx/shapes.ts';
import { asIntegers, int64Tensor, type Tensor } from '../../onnx/tensor.ts';

/** A batch that no other size of a network is a multiple of. */
const IMAGES = 7919;

/**
 * A model exported for a batch of its own, taking any number of images: training wants many at once. The batch is taken out of the
 * declared shapes and, where it begins the target of a Reshape that keeps it in front, out of that.
 *
 * @returns the model itself where its batch is open
 * @throws {WaysideError} MODEL_UNSUPPORTED, naming the node that fixes the batch in another way
 */
export function withOpenBatch(model: Model): Model {
  const { graph } = model;
  const [image] = graph.inputs;
  const batch = image?.shape?.[0];
  if (image?.shape == null || typeof batch !== 'number') return model;
  const initializers = new Map(graph.initializers);
  const types = inferShapes(model);
  const shapeOf = (value: string): Shape | undefined => types.get(value)?.shape ?? undefined;
  const nodes = graph.nodes.map((node) => openReshape(node, batch, shapeOf, initializers));
  const open = (info: ValueInfo): ValueInfo =>
    info.shape?.[0] === batch ? { ...info, shape: ['N', ...info.shape.slice(1)] } : info;
  const opened: Model = {
    ...model,
    graph: {
      ...graph,
      nodes,
      initializers,
      inputs: graph.inputs.map((info) => (info.name === image.name ? open(info) : info)),
      outputs: graph.outputs.map(open),
      valueInfo: new Map(),
    },
  };
  requireOpen(opened, [IMAGES, ...image.shape.slice(1)], batch, shapeOf);
  return opened;
}

/** The target `[batch, ...]` of a value `[batch, ...]` copies its first dimension, or takes what is left where 0 means none. */
function openReshape(
  node: Node,
  batch: number,
  shapeOf: (value: string) => Shape | undefined,
  initializers: Map<string, Tensor>,
): Node {
  const [data = '', target = ''] = node.inputs;
  const tensor = initializers.get(target);
  if (node.opType !== 'Reshape' || node.domain !== '' || tensor === undefined) return node;
  const counts = [...asIntegers(tensor)];
  const whole = intAttribute(node, 'allowzero', 0) === 1;
  const first = whole ? (counts.includes(-1) ? undefined : -1) : shapeOf(data)?.[0] === batch ? 0 : undefined;
  if (counts[0] !== batch || first === undefined) return node;
  const name = `${target}_of_any`;
  initializers.set(name, int64Tensor([counts.length], [first, ...counts.slice(1)]));
  return { ...node, inputs: [data, name] };
}

/** Proves that with another batch every value that began with the old one begins with the new one. */
function requireOpen(model: Model, image: Shape, batch: number, before: (value: string) => Shape | undefined): void {
  const refuse = (graph: Graph, name: string, why: string): never => {
    const node = graph.nodes.find((each) => each.outputs.includes(name));
    throw new WaysideError('MODEL_UNSUPPORTED', {
      message: `the model was exported for a batch of ${batch}, which ${node?.opType ?? 'output'} ${node?.name ?? name} fixes: ${why}`,
      hint: 'export it with a dynamic batch (dynamic_axes or dynamic_shapes of torch.onnx.export)',
    });
  };
  const { graph } = model;
  // Node by node: shapes that contradict each other are those behind the node that fixes the batch.
  const types = inferredAsFar(model, image);
  for (const node of graph.nodes) {
    for (const output of node.outputs) {
      const [was] = before(output) ?? [];
      const [is] = types.get(output)?.shape ?? [];
      const fed = node.inputs.some((value) => types.get(value)?.shape?.some((dim) => carriesBatch(dim)) === true);
      if (was === batch && fed && types.has(output) && !carriesBatch(is))
        refuse(graph, output, 'its result holds no more images');
    }
  }
  for (const { name } of graph.outputs) {
    if (!carriesBatch(types.get(name)?.shape?.[0])) refuse(graph, name, 'the scores of more images cannot be told');
  }
}

const carriesBatch = (dim: number | string | null | undefined): boolean =>
  typeof dim === 'number' && dim > 0 && dim % IMAGES === 0;

function inferredAsFar(model: Model, image: Shape): ReturnType<typeof inferShapes> {
  const [input] = model.graph.inputs;
  const inputs = { [input?.name ?? '']: image };
  try {
    return inferShapes(model, { inputs });
  } catch (error) {
    if (!(error instanceof WaysideError) || error.code !== 'SHAPE_INFERENCE') throw error;
    throw new WaysideError('MODEL_UNSUPPORTED', {
      message: `the model was exported for a fixed batch and takes no other: ${error.message}`,
      hint: 'export it with a dynamic batch (dynamic_axes or dynamic_shapes of torch.onnx.export)',
      cause: error,
    });
  }
}
