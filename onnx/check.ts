import { WaysideError } from '../core/errors.ts';
import { checkAttributes } from './check-attributes.ts';
import type { Graph, Model, Node } from './graph.ts';
import { byteLength, type Tensor } from './tensor.ts';
import { joined, type Scope, valuesRead } from './topology.ts';
import { DATA_TYPES } from './types.ts';

/** The newest this version knows: ONNX 1.21. */
export const NEWEST_OPSET = 26;
export const NEWEST_IR = 13;

/**
 * Structural rules of a model (onnx IR.md), checked after reading, after every pass and before writing: versions known,
 * names present and unique, each value made once and before it is read, outputs made, attributes of the right type,
 * initializers as long as their shapes say. Shapes themselves are the matter of `inferShapes`.
 *
 * @throws {WaysideError} MODEL_INVALID; MODEL_UNSUPPORTED for an operator set or IR newer than this version knows
 */
export function checkModel(model: Model): void {
  if (!Number.isInteger(model.irVersion) || model.irVersion < 1) throw invalid(`IR version ${model.irVersion}`);
  if (model.irVersion > NEWEST_IR) throw tooNew(`IR version ${model.irVersion}`, NEWEST_IR);
  const opset = model.opsets.get('');
  if (opset !== undefined && opset > NEWEST_OPSET) throw tooNew(`operator set ${opset}`, NEWEST_OPSET);
  for (const [domain, version] of model.opsets) {
    if (!Number.isSafeInteger(version) || version < 1) {
      throw invalid(`version ${version} of operator set ${JSON.stringify(domain)}`);
    }
  }
  checkGraph(model.graph, model.opsets, new Set());
}

function checkGraph(graph: Graph, opsets: ReadonlyMap<string, number>, around: Scope): void {
  const made = new Set<string>();
  const make = (name: string, by: string): void => {
    if (name === '') throw invalid(`${by} has no name`);
    if (made.has(name)) throw invalid(`${JSON.stringify(name)} is made twice, the second time by ${by}`);
    made.add(name);
  };
  for (const { name, dtype, shape } of graph.inputs) {
    make(name, 'a graph input');
    checkType(`input ${name}`, dtype, shape);
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
      if (attribute.type === 'graph') checkGraph(attribute.value, opsets, joined(made, around));
    }
    for (const output of node.outputs) if (output !== '') make(output, `node ${node.name}`);
  }
  const outputs = new Set<string>();
  for (const { name, dtype, shape } of graph.outputs) {
    if (!made.has(name) && !around.has(name)) throw invalid(`nothing makes the output ${JSON.stringify(name)}`);
    if (outputs.has(name)) throw invalid(`${JSON.stringify(name)} is an output twice`);
    outputs.add(name);
    checkType(`output ${name}`, dtype, shape);
  }
  for (const [name, { dtype, shape }] of graph.valueInfo) checkType(`value ${name}`, dtype, shape);
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

function checkTensor(of: string, { dtype, dims, bytes }: Tensor): void {
  checkType(of, dtype, dims);
  if (dtype === 'string') throw invalid(`${of} holds strings`);
  const needed = byteLength(dtype, dims);
  if (bytes.length !== needed) {
    throw invalid(`${of} is ${dtype}[${dims.join(', ')}] and needs ${needed} bytes, it has ${bytes.length}`);
  }
}

function checkType(of: string, dtype: string, shape: Graph['inputs'][number]['shape']): void {
  if (!Object.hasOwn(DATA_TYPES, dtype)) throw invalid(`${of} has the unknown type ${dtype}`);
  for (const dimension of shape ?? []) {
    if (typeof dimension === 'number' && !(Number.isSafeInteger(dimension) && dimension >= 0)) {
      throw invalid(`${of} has a dimension of ${dimension}`);
    }
  }
}

const invalid = (message: string): WaysideError => new WaysideError('MODEL_INVALID', { message });

function tooNew(what: string, newest: number): WaysideError {
  return new WaysideError('MODEL_UNSUPPORTED', {
    message: `the model has ${what}, this version knows ${newest} and older`,
    hint: 'export it for an older operator set',
  });
}
