import type { Parameter, ParameterKind } from '../../compression/autodiff/parameters.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import type { Model } from '../../onnx/graph.ts';
import { rewrittenNames } from '../../onnx/names.ts';
import { float32Tensor } from '../../onnx/tensor.ts';

/** A graph that is being written with quantization simulated in it: nodes, constants, what is trained and what is stopGradients. */
export class Sketch extends GraphBuilder {
  readonly parameters: Parameter[] = [];
  /** Values that gradients take for constants. */
  readonly stopGradients = new Set<string>();

  constructor({ graph }: Model) {
    super('simulation', { naming: rewrittenNames(graph) });
  }

  /**
   * A constant that training changes: `weight` is a share of the largest code, from -1 to 1, `gain` a positive factor, `bias`
   * any number.
   */
  parameter(wanted: string, kind: ParameterKind, dims: readonly number[], values: Float32Array): string {
    const name = this.constant(wanted, float32Tensor(dims, values));
    this.parameters.push({ name, kind, dims });
    return name;
  }

  floats(values: Float32Array, dims: readonly number[]): string {
    return this.shared(float32Tensor(dims, values));
  }

  /**
   * `forward` going forwards, `backward` going backwards: backward + (forward - backward), the difference stopGradients. Exact in float32
   * where the two are as close as a number and the code it rounds to.
   */
  straightThrough(forward: string, backward: string): string {
    const difference = this.op('Sub', [forward, backward]);
    this.stopGradients.add(difference);
    return this.op('Add', [backward, difference]);
  }

  round(value: string): string {
    return this.straightThrough(this.op('Round', [value]), value);
  }
}
