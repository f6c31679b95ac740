import type { Graph } from '../../onnx/graph.ts';

/** What kind of parameter it is decides whether weight decay applies: to weights only. */
export type ParameterKind = 'weight' | 'bias' | 'gain';

export interface Parameter {
  readonly name: string;
  readonly kind: ParameterKind;
  readonly dims: readonly number[];
}

/** Which inputs of an operator are trained, and as what. */
const TRAINED: Readonly<Record<string, Readonly<Record<number, ParameterKind>>>> = {
  Conv: { 1: 'weight', 2: 'bias' },
  Gemm: { 1: 'weight', 2: 'bias' },
  MatMul: { 0: 'weight', 1: 'weight' },
  BatchNormalization: { 1: 'gain', 2: 'bias' },
  LayerNormalization: { 1: 'gain', 2: 'bias' },
  Add: { 0: 'bias', 1: 'bias' },
  Mul: { 0: 'gain', 1: 'gain' },
};

/**
 * The trainable parameters of a graph, in the order in which its nodes use them: float initializers of more than one
 * element. Single numbers (the 6 of ReLU6, the 1/sqrt(d) of attention) are settings, not parameters.
 */
export function parametersOf(graph: Graph): readonly Parameter[] {
  const found = new Map<string, Parameter>();
  for (const node of graph.nodes) {
    const kinds = TRAINED[node.opType];
    if (kinds === undefined || node.domain !== '') continue;
    node.inputs.forEach((name, input) => {
      const kind = kinds[input];
      const tensor = graph.initializers.get(name);
      if (kind === undefined || tensor?.dtype !== 'float32' || tensor.bytes.length <= 4 || found.has(name)) return;
      found.set(name, { name, kind, dims: tensor.dims });
    });
  }
  return [...found.values()];
}
