import { floatAttribute, floatsAttribute, intAttribute, intsAttribute, stringAttribute } from '../attributes.ts';
import type { Dimension, Node, Shape, ValueType } from '../graph.ts';
import type { DataType } from '../types.ts';
import { Contradiction } from './dimensions.ts';

/** The elements of a small tensor as far as known, row-major: how `Shape -> Gather -> Concat -> Reshape` resolves. */
export type KnownValues = readonly Dimension[];

/** What shape inference knows when it comes to a node. */
export interface Knowledge {
  readonly types: ReadonlyMap<string, ValueType>;
  readonly values: ReadonlyMap<string, KnownValues>;
}

/** Outputs in order; undefined, or missing at the end, where nothing can be said. */
export type Inferred = readonly (ValueType | undefined)[];

/** From what is known of a node's inputs to its outputs. @throws {Contradiction} */
export type ShapeRule = (facts: NodeFacts) => Inferred;

/** From what is known of a node's inputs to the elements of its first output. */
export type ValueRule = (facts: NodeFacts) => KnownValues | undefined;

/** One node's inputs and attributes, as a rule wants to ask for them. */
export class NodeFacts {
  readonly node: Node;
  /** Version of the ONNX operator set. */
  readonly opset: number;
  readonly #known: Knowledge;

  constructor(node: Node, opset: number, known: Knowledge) {
    this.node = node;
    this.opset = opset;
    this.#known = known;
  }

  /** Whether the optional input is there. */
  has(i: number): boolean {
    return (this.node.inputs[i] ?? '') !== '';
  }

  type(i: number): ValueType | undefined {
    return this.#known.types.get(this.node.inputs[i] ?? '');
  }

  dtype(i: number): DataType | undefined {
    return this.type(i)?.dtype;
  }

  /** Null where not even the rank is known. */
  shape(i: number): Shape | null {
    return this.type(i)?.shape ?? null;
  }

  /** Elements of an input, unknown ones as null; undefined where not even their number is known. */
  values(i: number): KnownValues | undefined {
    return this.#known.values.get(this.node.inputs[i] ?? '');
  }

  /** Elements of an input, all known; undefined otherwise. */
  numbers(i: number): readonly number[] | undefined {
    const values = this.values(i);
    return values?.every((value) => typeof value === 'number') ? values : undefined;
  }

  int<F extends number | undefined>(name: string, fallback: F): number | F {
    return intAttribute(this.node, name, fallback);
  }

  ints(name: string): readonly number[] | undefined {
    return intsAttribute(this.node, name, undefined);
  }

  float<F extends number | undefined>(name: string, fallback: F): number | F {
    return floatAttribute(this.node, name, fallback);
  }

  floats(name: string): readonly number[] | undefined {
    return floatsAttribute(this.node, name, undefined);
  }

  text(name: string, fallback: string): string {
    return stringAttribute(this.node, name, fallback);
  }

  /** An integer list that was an attribute before it became an input. */
  intsAt(name: string, i: number): { readonly given: boolean; readonly ints: readonly number[] | undefined } {
    const attribute = this.ints(name);
    if (attribute !== undefined) return { given: true, ints: attribute };
    return { given: this.has(i), ints: this.has(i) ? this.numbers(i) : undefined };
  }
}

/** A type of which the element type may be unknown: then nothing is said. */
export const typed = (dtype: DataType | undefined, shape: Shape | null): ValueType | undefined =>
  dtype === undefined ? undefined : { dtype, shape };

/** @throws {Contradiction} unless the rank, where known, is this */
export function requireRank(shape: Shape | null, rank: number, what: string): void {
  if (shape !== null && shape.length !== rank) {
    throw new Contradiction(`${what} has ${shape.length} dimensions where ${rank} are needed`);
  }
}
