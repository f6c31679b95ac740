import { WaysideError } from '../../core/errors.ts';
import type { Attributes, Graph, Node, ValueType } from '../../onnx/graph.ts';
import { NameGiver } from '../../onnx/names.ts';
import { float32Tensor, int64Tensor, type Tensor } from '../../onnx/tensor.ts';

/**
 * A graph that grows: the forward nodes of a model, then whatever its gradients need. Only appended to, so its nodes
 * are always in topological order.
 *
 * Shapes are static (the batch is fixed when a training graph is made): every rule may ask for them.
 */
export class Tape {
  readonly #names: NameGiver;
  readonly #shapes = new Map<string, readonly number[]>();
  readonly #nodes: Node[];
  readonly #constants = new Map<string, Tensor>();
  readonly #known = new Map<string, string>();
  readonly #initializers: ReadonlyMap<string, Tensor>;

  /** @param types the type of every value of `graph`, with no open dimension */
  constructor(graph: Graph, types: ReadonlyMap<string, ValueType>) {
    this.#nodes = [...graph.nodes];
    this.#initializers = graph.initializers;
    const values = [...graph.inputs.map(({ name }) => name), ...graph.initializers.keys()];
    for (const node of graph.nodes) values.push(...node.outputs, node.name);
    this.#names = new NameGiver(values);
    for (const [value, { shape }] of types) {
      if (shape?.every((dim) => typeof dim === 'number')) this.#shapes.set(value, shape as readonly number[]);
    }
    for (const [value, tensor] of graph.initializers) this.#shapes.set(value, tensor.dims);
  }

  get nodes(): readonly Node[] {
    return this.#nodes;
  }

  /** Constants added since the tape was made; the forward graph keeps its own initializers. */
  get constants(): ReadonlyMap<string, Tensor> {
    return this.#constants;
  }

  /** @throws {WaysideError} SHAPE_INFERENCE when the shape of the value is not known in full */
  shape(value: string): readonly number[] {
    const shape = this.#shapes.get(value);
    if (shape !== undefined) return shape;
    throw new WaysideError('SHAPE_INFERENCE', {
      message: `a gradient needs the full shape of ${value}, which cannot be inferred`,
      hint: 'simplify the model first: fold its constants, fix the size of its input',
    });
  }

  /** States the shape of a value that a rule has made, where another rule will ask for it. */
  declare(value: string, shape: readonly number[]): string {
    this.#shapes.set(value, shape);
    return value;
  }

  /** A constant of the forward graph, or undefined where the value is computed. */
  forwardConstant(value: string): Tensor | undefined {
    return this.#initializers.get(value);
  }

  /** Appends a node with one output and returns its name. */
  op(opType: string, inputs: readonly string[], attributes: Attributes = {}, domain = ''): string {
    const [output] = this.ops(opType, inputs, attributes, 1, domain);
    return output!;
  }

  /** Appends a node with `count` outputs. */
  ops(opType: string, inputs: readonly string[], attributes: Attributes, count: number, domain = ''): string[] {
    const name = this.#names.give(`${opType}_g`);
    const outputs = Array.from({ length: count }, () => this.#names.give(`${name}_o`));
    this.#nodes.push({ name, opType, domain, inputs, outputs, attributes });
    return outputs;
  }

  /** A constant of integers, as axes and shapes are given; equal ones are shared. */
  ints(values: readonly number[]): string {
    return this.#shared(`i:${values.join(',')}`, () => int64Tensor([values.length], values));
  }

  /** A float constant of no dimension; equal ones are shared. */
  scalar(value: number): string {
    return this.#shared(`f:${value}`, () => float32Tensor([], Float32Array.of(value)));
  }

  tensor(name: string, tensor: Tensor): string {
    const given = this.#names.give(name);
    this.#constants.set(given, tensor);
    this.#shapes.set(given, tensor.dims);
    return given;
  }

  /** A name that nobody has, for an input of the training graph. */
  name(wanted: string): string {
    return this.#names.give(wanted);
  }

  reshape(value: string, shape: readonly number[]): string {
    return this.op('Reshape', [value, this.ints(shape)]);
  }

  /** Sum over axes; they disappear unless kept. */
  sum(value: string, axes: readonly number[], keep = false): string {
    return this.op('ReduceSum', [value, this.ints(axes)], { keepdims: { type: 'int', value: keep ? 1 : 0 } });
  }

  transpose(value: string, perm: readonly number[]): string {
    return this.op('Transpose', [value], { perm: { type: 'ints', value: perm } });
  }

  concat(values: readonly string[], axis: number): string {
    return values.length === 1 ? values[0]! : this.op('Concat', values, { axis: { type: 'int', value: axis } });
  }

  /** `value[starts : ends : steps]` on the given axes. */
  slice(
    value: string,
    axes: readonly number[],
    starts: readonly number[],
    ends: readonly number[],
    steps: readonly number[] = axes.map(() => 1),
  ): string {
    const inputs = [value, this.ints(starts), this.ints(ends), this.ints(axes), this.ints(steps)];
    return this.op('Slice', inputs);
  }

  /** Zeros around: `pads` as the operator takes them, all begins then all ends. */
  pad(value: string, pads: readonly number[]): string {
    return pads.every((amount) => amount === 0) ? value : this.op('Pad', [value, this.ints(pads)]);
  }

  /** Brings a gradient of shape `from` back to `to`, which was broadcast to it: sums over what was repeated. */
  unbroadcast(gradient: string, from: readonly number[], to: readonly number[]): string {
    const lead = from.length - to.length;
    const axes = from.flatMap((dim, axis) => (axis < lead || (to[axis - lead] === 1 && dim !== 1) ? [axis] : []));
    if (axes.length === 0) return gradient;
    return this.reshape(this.sum(gradient, axes, true), to);
  }

  #shared(key: string, make: () => Tensor): string {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const name = this.tensor('k', make());
    this.#known.set(key, name);
    return name;
  }
}
