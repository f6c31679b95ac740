import { GraphBuilder } from '../../../onnx/build.ts';
import type { Attributes, Model, Shape } from '../../../onnx/graph.ts';
import { irVersionFor } from '../../../onnx/opset.ts';
import type { Tensor } from '../../../onnx/tensor.ts';

export interface OneNode {
  readonly op: string;
  /** Shape of a float input, a constant, or null for an input that is absent. */
  readonly inputs: readonly (Shape | Tensor | null)[];
  readonly attributes?: Attributes;
  /** @default 1 */
  readonly outputs?: number;
  /** @default 17 */
  readonly opset?: number;
}

const isTensor = (value: Shape | Tensor): value is Tensor => 'bytes' in value;

/** A model of a single node, its outputs declared with the types given but without shapes. */
export function oneNode(
  { op, inputs, attributes = {}, outputs = 1, opset = 17 }: OneNode,
  dtypes: readonly string[] = [],
): Model {
  const builder = new GraphBuilder(op);
  const names = inputs.map((input, i) => {
    if (input === null) return '';
    return isTensor(input) ? builder.constant(`c${i}`, input) : builder.input(`x${i}`, 'float32', input);
  });
  const results = Array.from({ length: outputs }, (_, i) => `y${i}`);
  builder.node(op, names, attributes, { outputs: results });
  results.forEach((name, i) => {
    builder.output(name, (dtypes[i] ?? 'float32') as Tensor['dtype'], null);
  });
  return builder.build({ opset, irVersion: irVersionFor(opset) });
}
