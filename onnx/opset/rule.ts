import { WaysideError } from '../../core/errors.ts';
import type { GraphBuilder } from '../build.ts';
import type { Attributes, Node, ValueType } from '../graph.ts';
import type { Tensor } from '../tensor.ts';

/** What a rule may ask and add. */
export interface UpgradeContext {
  /** Type and shape of a value, where inference could tell. */
  type(value: string): ValueType | undefined;
  /** The constant behind a value, if it is one. */
  constantOf(value: string): Tensor | undefined;
  readonly build: Pick<GraphBuilder, 'constant' | 'value' | 'made'>;
}

/** One change of one operator between two versions of the ONNX operator set (onnx Changelog.md). */
export interface OpsetRule {
  readonly opType: string;
  /** The first version with the new form. */
  readonly since: number;
  /**
   * The nodes, in the form of `since`, that compute what this one computed in the version before.
   *
   * @throws {WaysideError} MODEL_UNSUPPORTED where there are none
   */
  convert(node: Node, context: UpgradeContext): readonly Node[];
}

export function withoutAttributes(attributes: Attributes, ...names: readonly string[]): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name)));
}

/** The inputs with one put at a place; absent ones between are empty names. */
export function withInput(inputs: readonly string[], at: number, value: string): readonly string[] {
  const result = Array.from({ length: Math.max(inputs.length, at + 1) }, (_, i) => inputs[i] ?? '');
  result[at] = value;
  return result;
}

export function notConvertible(node: Node, since: number, why: string): WaysideError {
  return new WaysideError('MODEL_UNSUPPORTED', {
    message: `node ${node.name} (${node.opType}) cannot be brought to operator set ${since}: ${why}`,
    hint: 'export the model anew, for operator set 13 or newer',
  });
}
