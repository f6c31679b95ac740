import type { onnx } from 'onnx-proto';
import type { Tensor } from './tensor.ts';
import type { DataType } from './types.ts';

/** A dimension: a number, a symbol shared between values (`'N'`), or null when nothing is known of it. */
export type Dimension = number | string | null;
export type Shape = readonly Dimension[];

/** What a value is declared, or inferred, to be. `shape` null: not even the rank is known. */
export interface ValueType {
  readonly dtype: DataType;
  readonly shape: Shape | null;
}

export interface ValueInfo extends ValueType {
  readonly name: string;
  /** The type of a sequence, map, optional or sparse tensor, as the file says it; `dtype` is then `undefined`. */
  readonly other?: onnx.ITypeProto;
}

export type Attribute =
  | { readonly type: 'int'; readonly value: number }
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'ints'; readonly value: readonly number[] }
  | { readonly type: 'floats'; readonly value: readonly number[] }
  | { readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly type: 'tensor'; readonly value: Tensor }
  | { readonly type: 'graph'; readonly value: Graph }
  /** A kind that nothing here reads, handed on as it lies in the file: sparse tensors, types, lists of tensors or graphs. */
  | { readonly type: 'other'; readonly value: onnx.IAttributeProto };

export type Attributes = Readonly<Record<string, Attribute>>;

export interface Node {
  /** Unique in the graph; given by the reader where the file has none. */
  readonly name: string;
  readonly opType: string;
  /** `''` is the ONNX domain. */
  readonly domain: string;
  /** `''` stands for an absent optional input. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

/** Readonly data: a pass makes a new graph and shares what it did not change, tensors above all. */
export interface Graph {
  readonly name: string;
  /** What a caller must feed: initializers are not repeated here. */
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** In topological order. */
  readonly nodes: readonly Node[];
  /** Types the file declares for values inside the graph. */
  readonly valueInfo: ReadonlyMap<string, ValueType>;
}

export interface Model {
  readonly irVersion: number;
  /** Domain to version; `''` is the ONNX domain. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly producerName: string;
  readonly producerVersion: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly graph: Graph;
}
