import { WaysideError } from '../../core/errors.ts';
import { int, ints } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import type { Graph, ValueType } from '../../onnx/graph.ts';
import { suffixedNames } from '../../onnx/names.ts';

/**
 * A graph that grows: the forward nodes of a model, then whatever its gradients need. Only appended to, so its nodes
 * are always in topological order.
 *
 * Shapes are static (the batch is fixed when a training graph is made): every rule may ask for them.
 */
export class Tape extends GraphBuilder {
  readonly #shapes = new Map<string, readonly number[]>();

  /** @param types the type of every value of `graph`, with no open dimension */
  constructor(graph: Graph, types: ReadonlyMap<string, ValueType>) {
    const taken = [
      ...graph.inputs.map(({ name }) => name),
      ...graph.initializers.keys(),
      ...graph.nodes.flatMap(({ name, outputs }) => [...outputs, name]),
    ];
    const { nodes, initializers } = graph;
    super(graph.name, {
      naming: suffixedNames(taken, { node: '_g', output: '_o', constant: 'k' }),
      nodes,
      initializers,
    });
    for (const [value, { shape }] of types) {
      if (shape?.every((dim) => typeof dim === 'number')) this.#shapes.set(value, shape as readonly number[]);
    }
  }

  /** @throws {WaysideError} SHAPE_INFERENCE when the shape of the value is not known in full */
  shape(value: string): readonly number[] {
    const shape = this.initializers.get(value)?.dims ?? this.#shapes.get(value);
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

  /** Sum over axes; they disappear unless kept. */
  sum(value: string, axes: readonly number[], keep = false): string {
    return this.op('ReduceSum', [value, this.ints(axes)], { keepdims: int(keep ? 1 : 0) });
  }

  transpose(value: string, perm: readonly number[]): string {
    return this.op('Transpose', [value], { perm: ints(perm) });
  }

  concat(values: readonly string[], axis: number): string {
    return values.length === 1 ? values[0]! : this.op('Concat', values, { axis: int(axis) });
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
}
