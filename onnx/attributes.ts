import { WaysideError } from '../core/errors.ts';
import type { Attribute, Graph, Node } from './graph.ts';
import type { Tensor } from './tensor.ts';

type AttributeType = Attribute['type'];
type Values = { readonly [A in Attribute as A['type']]: A['value'] };

/** @throws {WaysideError} MODEL_INVALID when the attribute is there with another type */
function read<T extends AttributeType, F>(node: Node, name: string, type: T, fallback: F): Values[T] | F {
  const attribute = Object.hasOwn(node.attributes, name) ? node.attributes[name] : undefined;
  if (attribute === undefined) return fallback;
  if (attribute.type !== type) {
    throw new WaysideError('MODEL_INVALID', {
      message: `attribute ${name} of node ${node.name} (${node.opType}) should be ${type}, it is ${attribute.type}`,
    });
  }
  return attribute.value as Values[T];
}

/** True when the node carries the attribute, whatever its type. */
export const hasAttribute = (node: Node, name: string): boolean => Object.hasOwn(node.attributes, name);

export const intAttribute = <F extends number | undefined>(node: Node, name: string, fallback: F): number | F =>
  read(node, name, 'int', fallback);
export const intsAttribute = <F extends readonly number[] | undefined>(
  node: Node,
  name: string,
  fallback: F,
): readonly number[] | F => read(node, name, 'ints', fallback);
export const floatAttribute = <F extends number | undefined>(node: Node, name: string, fallback: F): number | F =>
  read(node, name, 'float', fallback);
export const floatsAttribute = <F extends readonly number[] | undefined>(
  node: Node,
  name: string,
  fallback: F,
): readonly number[] | F => read(node, name, 'floats', fallback);
export const stringAttribute = <F extends string | undefined>(node: Node, name: string, fallback: F): string | F =>
  read(node, name, 'string', fallback);
export const tensorAttribute = (node: Node, name: string): Tensor | undefined => read(node, name, 'tensor', undefined);
export const graphAttribute = (node: Node, name: string): Graph | undefined => read(node, name, 'graph', undefined);

export const int = (value: number): Attribute => ({ type: 'int', value });
export const ints = (value: readonly number[]): Attribute => ({ type: 'ints', value });
/** Files hold 32-bit floats: the value is rounded here, so that writing and reading again changes nothing. */
export const float = (value: number): Attribute => ({ type: 'float', value: Math.fround(value) });
export const floats = (value: readonly number[]): Attribute => ({ type: 'floats', value: value.map(Math.fround) });
export const string = (value: string): Attribute => ({ type: 'string', value });
export const strings = (value: readonly string[]): Attribute => ({ type: 'strings', value });
export const tensor = (value: Tensor): Attribute => ({ type: 'tensor', value });
export const graph = (value: Graph): Attribute => ({ type: 'graph', value });
