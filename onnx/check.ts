import { WaysideError } from '../core/errors.ts';
import { checkAttributes } from './check-attributes.ts';
import type { Graph, Model, Node, ValueInfo } from './graph.ts';
import { byteLength, elementCount, type Tensor } from './tensor.ts';
import { joined, type Scope, valuesRead } from './topology.ts';
import { DATA_TYPES } from './types.ts';

/** The newest this version knows: ONNX 1.21. */
export const NEWEST_OPSET = 26;
const NEWEST_IR = 13;

/**
 * Structural rules of a model (onnx IR.md), checked after reading, after every pass and before writing:
 * names present and unique, each value made once and before it is read, outputs made, attributes of the right type,
 * initializers as long as their shapes say. Shapes themselves are the matter of `inferShapes`.
 *
 * @throws {WaysideError} MODEL_INVALID
 */
export function checkModel(model: Model): void {
  if (!Number.isInteger(model.irVersion) || model.irVersion < 1) throw invalid(`IR version ${model.irVersion}`);
  for (const [domain, version] of model.opsets) {
    if (!Number.isSafeInteger(version) || version < 1) {
      throw invalid(`version ${version} of operator set ${JSON.stringify(domain)}`);
    }
  }
  checkGraph(model.graph, model.opsets, new Set(), false);
}

/** What is newer in a model than this version knows, in words; nothing where all is known. */
export function newerThanKnown({ irVersion, opsets }: Model): readonly string[] {
  const opset = opsets.get('') ?? 0;
  return [
    ...(irVersion > NEWEST_IR ? [`IR version ${irVersion}, this version knows ${NEWEST_IR} and older`] : []),
    ...(opset > NEWEST_OPSET ? [`operator set ${opset}, this version knows ${NEWEST_OPSET} and older`] : []),
  ];
}

/**
 * For who goes on to rewrite the model: an operator may mean something else in a newer set.
 *
 * @throws {WaysideError} MODEL_UNSUPPORTED
 */
export function requireKnownVersions(model: Model): void {
  const [newer] = newerThanKnown(model);
  if (newer === undefined) return;
  throw new WaysideError('MODEL_UNSUPPORTED', {
    message: `the model has ${newer}`,
    hint: 'export it for an older operator set',
  });
}

function checkGraph(graph: Graph, opsets: ReadonlyMap<string, number>, around: Scope, nested: boolean): void {
  const made = new Set<string>();
  const make = (name: string, by: string): void => {
    if (name === '') throw invalid(`${by} has no name`);
    if (made.has(name)) throw invalid(`${JSON.stringify(name)} is made twice, the second time by ${by}`);
    made.add(name);
  };
  for (const { name, ...type } of graph.inputs) {
    make(name, 'a graph input');
    checkType(`input ${name}`, type, nested);
  }
  for (const [name, tensor] of graph.initializers) {
    make(name, 'an initializer');
    checkTensor(`initializer ${name}`, tensor);
  }
  const names = new Set<string>();
  for (const node of graph.nodes) {
    if (node.name === '' || names.has(node.name)) throw invalid(`two nodes are named ${JSON.stringify(node.name)}`);
    names.add(node.name);
    checkNode(node, opsets);
    for (const value of valuesRead(node)) {
      if (!made.has(value) && !around.has(value)) {
        throw invalid(`node ${node.name} (${node.opType}) reads ${JSON.stringify(value)} before anything makes it`);
      }
    }
    for (const attribute of Object.values(node.attributes)) {
      if (attribute.type === 'graph') checkGraph(attribute.value, opsets, joined(made, around), true);
    }
    for (const output of node.outputs) if (output !== '') make(output, `node ${node.name}`);
  }
  const outputs = new Set<string>();
  for (const { name, ...type } of graph.outputs) {
    if (!made.has(name) && !around.has(name)) throw invalid(`nothing makes the output ${JSON.stringify(name)}`);
    if (outputs.has(name)) throw invalid(`${JSON.stringify(name)} is an output twice`);
    outputs.add(name);
    checkType(`output ${name}`, type, nested);
  }
  for (const [name, type] of graph.valueInfo) checkType(`value ${name}`, type, false);
}

function checkNode(node: Node, opsets: ReadonlyMap<string, number>): void {
  const of = `node ${node.name} (${node.opType})`;
  if (node.opType === '') throw invalid(`node ${node.name} has no operator`);
  if (!opsets.has(node.domain)) {
    throw invalid(`${of} needs the operator set ${JSON.stringify(node.domain)}, which the model does not import`);
  }
  if (node.outputs.every((output) => output === '')) throw invalid(`${of} makes nothing`);
  checkAttributes(node);
  for (const [name, attribute] of Object.entries(node.attributes)) {
    if (attribute.type === 'tensor') checkTensor(`attribute ${name} of ${of}`, attribute.value);
  }
}

function checkTensor(of: string, { dtype, dims, bytes, strings }: Tensor): void {
  checkType(of, { dtype, shape: dims }, false);
  if (dtype === 'string' && strings?.length !== elementCount(dims)) {
    throw invalid(`${of} is string[${dims.join(', ')}] and has ${strings?.length ?? 0} strings`);
  }
  const needed = byteLength(dtype, dims);
  if (bytes.length !== needed) {
    throw invalid(`${of} is ${dtype}[${dims.join(', ')}] and needs ${needed} bytes, it has ${bytes.length}`);
  }
}

function checkType(of: string, { dtype, shape, other }: Omit<ValueInfo, 'name'>, mayBeOpen: boolean): void {
  if (dtype === 'undefined' && !mayBeOpen && other === undefined) throw invalid(`${of} has no type`);
  if (!Object.hasOwn(DATA_TYPES, dtype)) throw invalid(`${of} has the unknown type ${dtype}`);
  for (const dimension of shape ?? []) {
    if (typeof dimension === 'number' && !(Number.isSafeInteger(dimension) && dimension >= 0)) {
      throw invalid(`${of} has a dimension of ${dimension}`);
    }
  }
}

const invalid = (message: string): WaysideError => new WaysideError('MODEL_INVALID', { message });
