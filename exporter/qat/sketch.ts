import type { Parameter, ParameterKind } from '../../compression/autodiff/parameters.ts';
import type { Model } from '../../onnx/graph.ts';
import { NameGiver } from '../../onnx/names.ts';
import { float32Tensor, int64Tensor } from '../../onnx/tensor.ts';
import { GraphEmitter } from '../quantize/node-writer.ts';

/** A graph that is being written with quantization simulated in it: nodes, constants, what is trained and what is held. */
export class Sketch extends GraphEmitter {
  readonly parameters: Parameter[] = [];
  /** Values that gradients take for constants. */
  readonly held = new Set<string>();
  readonly #names: NameGiver;

  constructor({ graph }: Model) {
    const kept = [...graph.inputs, ...graph.outputs].map(({ name }) => name);
    super(
      kept,
      graph.nodes.map(({ name }) => name),
    );
    this.#names = new NameGiver(kept);
  }

  /**
   * A constant that training changes: `weight` is a share of the largest code, from -1 to 1, `gain` a positive factor, `bias`
   * any number.
   */
  parameter(wanted: string, kind: ParameterKind, dims: readonly number[], values: Float32Array): string {
    const name = this.#names.give(wanted);
    this.parameters.push({ name, kind, dims });
    this.initializers.set(name, float32Tensor(dims, values));
    return name;
  }

  scalar(value: number): string {
    return this.constant(float32Tensor([], Float32Array.of(value)));
  }

  floats(values: Float32Array, dims: readonly number[]): string {
    return this.constant(float32Tensor(dims, values));
  }

  reshape(value: string, dims: readonly number[]): string {
    return this.node('Reshape', [value, this.constant(int64Tensor([dims.length], dims))]);
  }

  /**
   * `forward` going forwards, `backward` going backwards: backward + (forward - backward), the difference held. Exact in float32
   * where the two are as close as a number and the code it rounds to.
   */
  straightThrough(forward: string, backward: string): string {
    const difference = this.node('Sub', [forward, backward]);
    this.held.add(difference);
    return this.node('Add', [backward, difference]);
  }

  round(value: string): string {
    return this.straightThrough(this.node('Round', [value]), value);
  }
}
