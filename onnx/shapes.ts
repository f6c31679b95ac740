import { WaysideError } from '../core/errors.ts';
import { MAX_RANK } from './file/limits.ts';
import type { Graph, Model, Node, Shape, ValueType } from './graph.ts';
import { CONVOLUTION } from './shapes/convolution.ts';
import { Contradiction, textOf, unifyShapes } from './shapes/dimensions.ts';
import { ELEMENTWISE } from './shapes/elementwise.ts';
import { LAYOUT } from './shapes/layout.ts';
import { MATRIX } from './shapes/matrix.ts';
import { type Knowledge, type KnownValues, NodeFacts, type ShapeRule } from './shapes/node-facts.ts';
import { NORMALIZATION } from './shapes/normalization.ts';
import { POOLING } from './shapes/pooling.ts';
import { QUANTIZATION } from './shapes/quantization.ts';
import { REDUCTION } from './shapes/reduction.ts';
import { RESIZING } from './shapes/resizing.ts';
import { SELECTION } from './shapes/selection.ts';
import { SOURCES } from './shapes/sources.ts';
import { subgraphTypes } from './shapes/subgraphs.ts';
import { MAX_KNOWN_VALUES, VALUE_RULES, valuesOfTensor } from './shapes/values.ts';
import { valuesCaptured } from './topology.ts';

const SHAPE_RULES: ReadonlyMap<string, ShapeRule> = new Map([
  ...CONVOLUTION,
  ...ELEMENTWISE,
  ...LAYOUT,
  ...MATRIX,
  ...NORMALIZATION,
  ...POOLING,
  ...QUANTIZATION,
  ...REDUCTION,
  ...RESIZING,
  ...SELECTION,
  ...SOURCES,
]);

/** Operators of ONNX Runtime's own that have the shapes of ONNX's. */
const RUNTIME_RULES: ReadonlyMap<string, string> = new Map([
  ['FusedConv', 'Conv'],
  ['FusedGemm', 'Gemm'],
]);

function ruleOf({ domain, opType }: Node): ShapeRule | undefined {
  if (domain === '') return SHAPE_RULES.get(opType);
  return domain === 'com.microsoft' ? SHAPE_RULES.get(RUNTIME_RULES.get(opType) ?? '') : undefined;
}

/** The operators whose output shapes can be inferred. */
export const SHAPED_OPERATORS: ReadonlySet<string> = new Set(SHAPE_RULES.keys());

export interface InferOptions {
  /**
   * Shapes to infer for, by input; symbols in place of numbers are allowed. What the file declares for other values is
   * then not compared: it was written for the shapes in the file.
   */
  readonly inputs?: Readonly<Record<string, Shape>>;
  /** Told of every contradiction, instead of a throw at the first; what stands behind it is then unknown. */
  readonly onContradiction?: (text: string) => void;
}

/**
 * Types and shapes of every value of the main graph that can be told: inputs, initializers and node outputs. A value
 * behind an unknown operator is missing unless the file declares it. Symbols are carried through, as in `['N', 64, 1, 1]`.
 *
 * A shape that the file declares and that cannot be gives way to the inferred one, as in ONNX Runtime: many exporters leave such
 * behind, and nothing is computed by them. `onContradiction` is told.
 *
 * @throws {WaysideError} SHAPE_INFERENCE where inputs of a node contradict each other, its attributes, or the type in the file
 */
export function inferShapes(model: Model, options: InferOptions = {}): ReadonlyMap<string, ValueType> {
  return new Inference(model, options).knowledge().types;
}

/** What can be told of a model without running it: types, and the elements of small values that follow from constants and shapes. */
export function inferKnowledge(model: Model): Knowledge {
  return new Inference(model, {}).knowledge();
}

class Inference {
  readonly #graph: Graph;
  readonly #opset: number;
  readonly #overrides: Readonly<Record<string, Shape>> | undefined;
  readonly #types = new Map<string, ValueType>();
  readonly #values = new Map<string, KnownValues>();
  readonly #declared: ReadonlyMap<string, ValueType>;
  readonly #model: Model;
  readonly #options: InferOptions;

  /** @param around what a subgraph captures */
  constructor(model: Model, options: InferOptions, around?: Knowledge) {
    this.#model = model;
    this.#options = options;
    this.#graph = model.graph;
    this.#opset = model.opsets.get('') ?? 1;
    this.#overrides = options.inputs;
    for (const value of around === undefined ? [] : valuesCaptured(model.graph)) {
      const [type, known] = [around?.types.get(value), around?.values.get(value)];
      if (type !== undefined) this.#types.set(value, type);
      if (known !== undefined) this.#values.set(value, known);
    }
    this.#declared = new Map([
      ...model.graph.valueInfo,
      ...model.graph.outputs.map(({ name, dtype, shape }) => [name, { dtype, shape }] as const),
    ]);
  }

  knowledge(): Knowledge {
    this.#placeInputs();
    for (const [name, tensor] of this.#graph.initializers) {
      this.#types.set(name, { dtype: tensor.dtype, shape: tensor.dims });
      const values = valuesOfTensor(tensor);
      if (values !== undefined) this.#values.set(name, values);
    }
    for (const node of this.#graph.nodes) {
      try {
        this.#visit(node);
      } catch (cause) {
        if (!(cause instanceof Contradiction)) throw cause;
        this.#report(node, cause);
        if (this.#options.onContradiction === undefined) {
          const message = `node ${node.name} (${node.opType}) of ${this.#inputsOf(node)}: ${cause.message}`;
          throw new WaysideError('SHAPE_INFERENCE', { message, cause });
        }
      }
    }
    return { types: this.#types, values: this.#values };
  }

  #placeInputs(): void {
    for (const name of Object.keys(this.#overrides ?? {})) {
      if (!this.#graph.inputs.some((input) => input.name === name)) {
        throw new WaysideError('SHAPE_INFERENCE', { message: `a shape was given for ${name}, which is no input` });
      }
    }
    for (const { name, dtype, shape } of this.#graph.inputs) {
      const override =
        this.#overrides !== undefined && Object.hasOwn(this.#overrides, name) ? this.#overrides[name] : undefined;
      if (override !== undefined && shape !== null && override.length !== shape.length) {
        throw new WaysideError('SHAPE_INFERENCE', {
          message: `input ${name} has the shape ${textOf(shape)}, ${textOf(override)} was asked for`,
        });
      }
      if (dtype !== 'undefined') this.#types.set(name, { dtype, shape: override ?? shape });
    }
  }

  #visit(node: Node): void {
    const facts = new NodeFacts(node, this.#opset, { types: this.#types, values: this.#values });
    const rule = ruleOf(node);
    const inferred = rule?.(facts) ?? subgraphTypes(node, facts, (inner) => this.#inside(inner));
    node.outputs.forEach((output, i) => {
      if (output === '') return;
      const type = this.#reconcile(node, inferred[i], this.#declared.get(output));
      if (type !== undefined) this.#types.set(output, type);
    });
    const [first] = node.outputs;
    const values = rule === undefined ? undefined : VALUE_RULES.get(node.opType)?.(facts);
    if (values !== undefined && first && values.length <= MAX_KNOWN_VALUES) this.#values.set(first, values);
  }

  /** What is known at the end of a subgraph of this one. */
  #inside(graph: Graph): Knowledge {
    const { onContradiction } = this.#options;
    const around = { types: this.#types, values: this.#values };
    return new Inference({ ...this.#model, graph }, onContradiction ? { onContradiction } : {}, around).knowledge();
  }

  #report(node: Node, { message }: Contradiction): void {
    this.#options.onContradiction?.(`node ${node.name} (${node.opType}) of ${this.#inputsOf(node)}: ${message}`);
  }

  #reconcile(node: Node, inferred: ValueType | undefined, declared: ValueType | undefined): ValueType | undefined {
    // Gather adds ranks: without a bound thirty of them, each of itself by itself, would fill the memory.
    if ((inferred?.shape?.length ?? 0) > MAX_RANK)
      throw new Contradiction(`the output would have ${inferred?.shape?.length} dimensions`);
    for (const dimension of inferred?.shape ?? []) {
      if (typeof dimension === 'number' && !(Number.isSafeInteger(dimension) && dimension >= 0)) {
        throw new Contradiction(`the output would be ${textOf(inferred?.shape ?? null)}`);
      }
    }
    if (declared === undefined || declared.dtype === 'undefined') return inferred;
    if (inferred === undefined) return this.#overrides === undefined ? declared : { ...declared, shape: null };
    if (inferred.dtype !== declared.dtype) {
      throw new Contradiction(`the output is ${inferred.dtype}, the file declares ${declared.dtype}`);
    }
    if (this.#overrides !== undefined) return inferred;
    try {
      return { dtype: inferred.dtype, shape: unifyShapes(inferred.shape, declared.shape) };
    } catch (cause) {
      if (!(cause instanceof Contradiction)) throw cause;
      this.#report(node, new Contradiction(`the file declares ${textOf(declared.shape)}: ${cause.message}`));
      return inferred;
    }
  }

  #inputsOf(node: Node): string {
    const texts = node.inputs.map((name) => {
      const type = this.#types.get(name);
      return type === undefined ? '?' : `${type.dtype}${textOf(type.shape)}`;
    });
    return texts.length === 0 ? 'no inputs' : texts.join(', ');
  }
}
