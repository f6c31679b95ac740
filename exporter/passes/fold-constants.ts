import { openSession, type RunTensor } from '../../inference/session.ts';
import { withConstantsStored } from '../../onnx/constants.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import type { Model, Node } from '../../onnx/graph.ts';
import { noneOf, pass } from '../../onnx/pass.ts';
import { inferShapes } from '../../onnx/shapes.ts';
import { byteLength, type Tensor } from '../../onnx/tensor.ts';
import { valuesRead } from '../../onnx/topology.ts';
import { withoutDeadNodes } from './eliminate-dead.ts';
import { withGraph } from './rewrite.ts';

/** Not a function of their inputs. */
const RANDOM = new Set([
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
  'Bernoulli',
  'Multinomial',
]);

/** Past this a folded result is kept as its recipe: expanding a small constant must not blow up the file. */
const LARGEST_RESULT = 64 * 1024 * 1024;

/**
 * Replaces everything that depends on constants only by its value. ONNX Runtime itself computes it, so that the folded
 * value is the one the unfolded model would have used, for every operator the runtime knows. Constant nodes become initializers.
 *
 * Leaves alone: random operators, quantized weights (DequantizeLinear of a constant is how they are stored), subgraphs.
 */
export const foldConstants = pass({
  name: 'fold-constants',
  ensures: [noneOf('Constant')],
  async run(model) {
    const lifted = withGraph(model, withConstantsStored(model.graph));
    const constant = new Set(lifted.graph.initializers.keys());
    const folding = lifted.graph.nodes.filter((node) => {
      if (!isFoldable(node) || ![...valuesRead(node)].every((value) => constant.has(value))) return false;
      for (const output of node.outputs) constant.add(output);
      return true;
    });
    if (folding.length === 0) return lifted;
    const values = await compute(lifted, folding);
    const nodes = lifted.graph.nodes.filter(
      (node) => !folding.includes(node) || !node.outputs.every((output) => output === '' || values.has(output)),
    );
    const initializers = new Map([...lifted.graph.initializers, ...values]);
    for (const node of nodes) for (const output of node.outputs) initializers.delete(output);
    return withGraph(lifted, withoutDeadNodes({ ...lifted.graph, nodes, initializers }));
  },
});

function isFoldable({ domain, opType, attributes }: Node): boolean {
  const hasSubgraph = Object.values(attributes).some(({ type }) => type === 'graph');
  return domain === '' && !RANDOM.has(opType) && opType !== 'DequantizeLinear' && !hasSubgraph;
}

async function compute(model: Model, nodes: readonly Node[]): Promise<Map<string, Tensor>> {
  const made = new Set(nodes.flatMap((node) => node.outputs));
  const wanted = new Set(model.graph.outputs.map(({ name }) => name));
  for (const node of model.graph.nodes)
    if (!nodes.includes(node)) for (const value of valuesRead(node)) wanted.add(value);
  const outputs = [...made].filter((name) => name !== '' && wanted.has(name));
  const types = inferShapes(model);
  if (!outputs.some((name) => types.has(name))) return new Map();
  const part = withGraph(model, {
    inputs: [],
    outputs: outputs.flatMap((name) => {
      const type = types.get(name);
      return type === undefined ? [] : [{ name, ...type }];
    }),
    nodes,
    valueInfo: new Map(),
  });
  const session = await openSession(encodeModel(withGraph(part, withoutDeadNodes(part.graph))), {
    optimization: 'disabled',
  });
  try {
    const results = await session.run({});
    const folded = new Map<string, Tensor>();
    for (const [name, result] of Object.entries(results)) {
      if (result.data.byteLength <= LARGEST_RESULT) folded.set(name, tensorOf(result));
    }
    return folded;
  } finally {
    await session.close();
  }
}

function tensorOf({ type, dims, data }: RunTensor): Tensor {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  return { dtype: type, dims, bytes: bytes.subarray(0, byteLength(type, dims)) };
}
