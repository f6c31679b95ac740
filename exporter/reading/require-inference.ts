import { WaysideError } from '../../core/errors.ts';
import { intAttribute } from '../../onnx/attributes.ts';
import { constantValue } from '../../onnx/constants.ts';
import type { Graph, Model, Node } from '../../onnx/graph.ts';
import { allGraphs } from '../../onnx/topology.ts';

/**
 * Refuses a model that was exported as it trains: its normalisations would follow the images of a batch, its Dropouts chance. It must be
 * asked of the file as it is: outputs that only training needs are dropped later.
 *
 * @throws {WaysideError} MODEL_UNSUPPORTED
 */
export function requireInference({ graph, opsets }: Model): void {
  const opset = opsets.get('') ?? 0;
  for (const each of allGraphs(graph)) {
    for (const node of each.nodes) {
      const why = node.domain === '' ? trainingSign(each, node, opset) : undefined;
      if (why === undefined) continue;
      throw new WaysideError('MODEL_UNSUPPORTED', {
        message: `${node.opType} ${node.name} is in training mode: ${why}`,
        hint: 'export the model for inference: in PyTorch call model.eval() first, and leave `training` at its default',
      });
    }
  }
}

function trainingSign(graph: Graph, node: Node, opset: number): string | undefined {
  if (node.opType === 'BatchNormalization') {
    if (intAttribute(node, 'training_mode', 0) !== 0) return 'its training_mode is 1';
    if (opset < 7 && intAttribute(node, 'is_test', 0) === 0) return 'its is_test is 0';
    const outputs = node.outputs.filter((output) => output !== '').length;
    return outputs > 1 ? `it has ${outputs} outputs, the statistics of each batch among them` : undefined;
  }
  if (node.opType !== 'Dropout') return undefined;
  const flag = node.inputs[2] ?? '';
  const maker = graph.nodes.find(({ outputs }) => outputs.includes(flag));
  const tensor = graph.initializers.get(flag) ?? (maker === undefined ? undefined : constantValue(maker));
  return flag !== '' && tensor?.bytes[0] === 1 ? 'its training_mode is true' : undefined;
}
