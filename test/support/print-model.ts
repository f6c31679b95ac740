import { createHash } from 'node:crypto';
import type { Attribute, Graph, Model, Node, ValueInfo } from '../../onnx/graph.ts';
import { textOf } from '../../onnx/shapes/dimensions.ts';
import type { Tensor } from '../../onnx/tensor.ts';

/** What stands for the bytes of a tensor. */
type Digest = (bytes: Uint8Array) => string;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex').slice(0, 8);

/**
 * A model as text that stays the same until the model changes: one line a node, tensors by type, shape and the first
 * eight digits of their SHA-256, attributes in alphabetical order. Made for golden files and for reading differences.
 */
export function printModel(model: Model, digest: Digest = sha256): string {
  const opsets = [...model.opsets]
    .map(([domain, version]) => `${domain === '' ? 'onnx' : domain} ${version}`)
    .sort((a, b) => (a < b ? -1 : 1));
  const metadata = [...model.metadata].sort(byName).map(([key, value]) => `  ${key} = ${JSON.stringify(value)}`);
  return [
    `model ir ${model.irVersion}, opset ${opsets.join(', ')}`,
    ...metadata,
    ...printGraph(model.graph, '', digest),
    '',
  ].join('\n');
}

function printGraph(graph: Graph, indent: string, digest: Digest): string[] {
  return [
    `${indent}graph ${graph.name}`,
    ...graph.inputs.map((info) => `${indent}  input ${printValue(info)}`),
    ...[...graph.initializers]
      .sort(byName)
      .map(([name, tensor]) => `${indent}  constant ${name}: ${printTensor(tensor, digest)}`),
    ...graph.nodes.flatMap((node) => printNode(node, `${indent}  `, digest)),
    ...graph.outputs.map((info) => `${indent}  output ${printValue(info)}`),
  ];
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0;

const printValue = ({ name, dtype, shape }: ValueInfo): string => `${name}: ${dtype}${textOf(shape)}`;

function printTensor({ dtype, dims, bytes }: Tensor, digest: Digest): string {
  return `${dtype}${textOf(dims)} #${digest(bytes)}`;
}

function printNode(node: Node, indent: string, digest: Digest): string[] {
  const names = (values: readonly string[]): string => values.map((value) => (value === '' ? '_' : value)).join(', ');
  const operator = node.domain === '' ? node.opType : `${node.domain}.${node.opType}`;
  const attributes = Object.entries(node.attributes).sort(byName);
  const shown = attributes.map(([name, attribute]) => `${name}=${printAttribute(attribute, digest)}`).join(' ');
  const line = `${indent}${names(node.outputs)} = ${operator}(${names(node.inputs)})${shown === '' ? '' : ` ${shown}`}`;
  const inner = attributes.flatMap(([, { type, value }]) =>
    type === 'graph' ? printGraph(value, `${indent}  `, digest) : [],
  );
  return [line, ...inner];
}

function printAttribute(attribute: Attribute, digest: Digest): string {
  switch (attribute.type) {
    case 'int':
      return String(attribute.value);
    case 'float':
      return printFloat(attribute.value);
    case 'string':
      return JSON.stringify(attribute.value);
    case 'ints':
      return `[${attribute.value.join(', ')}]`;
    case 'floats':
      return `[${attribute.value.map(printFloat).join(', ')}]`;
    case 'strings':
      return JSON.stringify(attribute.value);
    case 'tensor':
      return printTensor(attribute.value, digest);
    case 'other':
      return '...';
    case 'graph':
      return `{${attribute.value.name}}`;
  }
}

/** Six digits: a 32-bit float has seven, and 1e-05 should not print as 0.000009999999747378752. */
const printFloat = (value: number): string => String(Number(value.toPrecision(6)));
