import { WaysideError } from '../core/errors.ts';
import { ATTRIBUTE_CHECKS } from './file/attribute-types.ts';
import { isInt64 } from './file/proto.ts';
import type { Attribute, Node } from './graph.ts';

/**
 * Attributes of ONNX operators have the type the specification gives them, and numbers are numbers a file can hold.
 *
 * @throws {WaysideError} MODEL_INVALID
 */
export function checkAttributes(node: Node): void {
  for (const [name, attribute] of Object.entries(node.attributes)) {
    const of = `attribute ${name} of node ${node.name} (${node.opType})`;
    const wanted = node.domain === '' ? expectedType(node.opType, name) : undefined;
    if (wanted !== undefined && wanted !== attribute.type) {
      throw new WaysideError('MODEL_INVALID', { message: `${of} should be ${wanted}, it is ${attribute.type}` });
    }
    if (!integersFit(attribute)) throw new WaysideError('MODEL_INVALID', { message: `${of} is not a 64-bit integer` });
  }
}

function expectedType(opType: string, name: string): Attribute['type'] | undefined {
  const { exceptions, usual } = ATTRIBUTE_CHECKS;
  return exceptions.get(`${opType}.${name}`) ?? usual.get(name);
}

function integersFit(attribute: Attribute): boolean {
  if (attribute.type === 'int') return isInt64(attribute.value);
  return attribute.type !== 'ints' || attribute.value.every(isInt64);
}
