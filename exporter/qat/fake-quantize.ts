import type { Parameter } from '../../compression/autodiff/parameters.ts';
import type { Layer } from '../../compression/layers.ts';
import { narrow } from '../../core/narrow.ts';
import type { Model, Node } from '../../onnx/graph.ts';
import { irVersionFor, upgradeOpset } from '../../onnx/opset.ts';
import { float32Tensor, uint8Tensor } from '../../onnx/tensor.ts';
import { withoutDeadNodes } from '../passes/eliminate-dead.ts';
import { withGraph } from '../passes/rewrite.ts';
import type { LayerWeights } from '../quantize/layer-weights.ts';
import type { QuantizeInput } from '../quantize/quantize-model.ts';
import { assignRoles } from '../quantize/roles.ts';
import { type ActivationScale, planScales, type ScalePlan } from '../quantize/scales.ts';
import { type QuantizedWriter, walkQuantized } from '../quantize/walk.ts';
import { Sketch } from './sketch.ts';
import { type FakeQuantizedWeights, fakeQuantizeWeights } from './weights.ts';

/** The operator set of training graphs. */
const OPSET = 17;

interface FakeQuantizedLayer extends Omit<FakeQuantizedWeights, 'weights'> {
  /** Whole numbers in float, `[rows]`; undefined for a layer without a bias. */
  readonly biasCodes: string | undefined;
}

/** Values that share one scale. */
interface FakeQuantizedScale {
  readonly values: readonly string[];
  /** Of no dimension. */
  readonly scale: string;
  readonly zeroPoint: number;
}

/** A float graph that computes what the int8 model will, from parameters that can be trained. */
export interface FakeQuantizedModel {
  readonly model: Model;
  readonly parameters: readonly Parameter[];
  /** Values that gradients take for constants. */
  readonly stopGradients: ReadonlySet<string>;
  /** By the name of the layer's node. */
  readonly layers: ReadonlyMap<string, FakeQuantizedLayer>;
  readonly scales: readonly FakeQuantizedScale[];
}

/**
 * Simulates quantization as `quantizeModel` would write it: the same values are rounded, with the same scales and codes, at the
 * same places. Activations by QuantizeLinear and DequantizeLinear with learned scales, weights by `fakeQuantizeWeights`, biases
 * rounded to their int32 grid.
 *
 * @param limit largest weight code of the target
 * @throws {WaysideError} CALIBRATION_MISMATCH, CALIBRATION_INVALID
 */
export function fakeQuantize(model: Model, input: QuantizeInput, limit: number): FakeQuantizedModel {
  const source = (model.opsets.get('') ?? 0) < OPSET ? upgradeOpset(model, OPSET) : model;
  const roles = assignRoles(source.graph, input.float);
  const writer = new FakeQuantizeWriter(source, planScales(source.graph, roles), input, limit);
  walkQuantized(source, roles, input.weights, writer);
  return writer.simulation();
}

/** Writes floats that stand for the integers: every code a rounded float, every scale and every weight a parameter. */
class FakeQuantizeWriter implements QuantizedWriter {
  readonly #model: Model;
  readonly #plan: ScalePlan;
  readonly #limit: number;
  readonly #sketch: Sketch;
  readonly #starting: ReadonlyMap<string, ActivationScale>;
  readonly #layers = new Map<string, FakeQuantizedLayer>();
  /** By the first value of those that share it. */
  readonly #scales = new Map<string, FakeQuantizedScale>();

  constructor(model: Model, plan: ScalePlan, { ranges }: QuantizeInput, limit: number) {
    this.#model = model;
    this.#plan = plan;
    this.#limit = limit;
    this.#sketch = new Sketch(model);
    this.#starting = plan.scales(ranges);
  }

  get builder(): Sketch {
    return this.#sketch;
  }

  simulation(): FakeQuantizedModel {
    const { nodes, initializers, parameters, stopGradients } = this.#sketch;
    const written = withGraph(this.#model, { name: 'simulation', nodes, initializers, valueInfo: new Map() });
    const model = {
      ...withGraph(written, withoutDeadNodes(written.graph)),
      irVersion: irVersionFor(OPSET),
      opsets: new Map([...this.#model.opsets, ['', Math.max(OPSET, this.#model.opsets.get('') ?? 0)]]),
    };
    return { model, parameters, stopGradients, layers: this.#layers, scales: [...this.#scales.values()] };
  }

  layerInputs(node: Node, layer: Layer, decided: LayerWeights, input: () => string): readonly string[] {
    const sketch = this.#sketch;
    const { weights, codes, scales } = fakeQuantizeWeights(sketch, layer, decided, this.#limit);
    input();
    if (decided.bias === undefined) {
      this.#layers.set(node.name, { codes, scales, biasCodes: undefined });
      return [weights];
    }
    const unit = Float32Array.from(
      decided.scales,
      (scale) => 255 * this.#starting.get(layer.input)!.scale * this.#limit * scale,
    );
    const shares = Float32Array.from(decided.bias, (bias, row) => bias / unit[row]!);
    const dims = [layer.rows];
    const learned = sketch.parameter(`${node.name}:bias`, 'bias', dims, shares);
    const exact = sketch.op('Mul', [learned, sketch.floats(unit, dims)]);
    const grid = sketch.op('Mul', [scales, this.#scaleOf(layer.input).scale]);
    const biasCodes = sketch.op('Round', [sketch.op('Div', [exact, grid])]);
    this.#layers.set(node.name, { codes, scales, biasCodes });
    return [weights, sketch.straightThrough(sketch.op('Mul', [biasCodes, grid]), exact)];
  }

  /** An absorbed activation is done here: rounding to codes that begin at 0 does a Relu by itself. */
  quantize(float: string, value: string, absorbed?: { readonly ceiling: number | undefined }): string {
    const sketch = this.#sketch;
    let result = float;
    if (absorbed?.ceiling !== undefined) {
      result = sketch.op('Clip', [result, sketch.scalar(0), sketch.scalar(absorbed.ceiling)]);
    } else if (absorbed !== undefined && this.#scaleOf(value).zeroPoint > 0) result = sketch.op('Relu', [result]);
    const { scale, zeroPoint } = this.#scaleOf(value);
    const byte = narrow('uint8', 1, () => zeroPoint, `the zero point of ${value}`);
    const parameters = [scale, sketch.shared(uint8Tensor([], byte))];
    const codes = sketch.op('QuantizeLinear', [result, ...parameters]);
    return sketch.op('DequantizeLinear', [codes, ...parameters]);
  }

  dequantize(codes: string): string {
    return codes;
  }

  /** What moves or compares codes does the same to the numbers they stand for. */
  integer(node: Node, inputs: () => readonly string[], outputs: () => readonly string[]): readonly string[] {
    const [given, made] = [inputs(), outputs()];
    this.#sketch.copy(node, given, made);
    return made;
  }

  floatLayerInput(float: string): string {
    return float;
  }

  output(codes: string, name: string): void {
    this.#sketch.op('Identity', [codes], {}, { outputs: [name] });
  }

  #scaleOf(value: string): FakeQuantizedScale {
    const values = this.#plan.classOf(value);
    const [first = value] = values;
    const known = this.#scales.get(first);
    if (known !== undefined) return known;
    const { scale, zeroPoint } = this.#starting.get(value)!;
    const sketch = this.#sketch;
    const factor = sketch.parameter(`${first}:scale`, 'gain', [], Float32Array.of(1));
    const start = sketch.shared(float32Tensor([], Float32Array.of(scale)));
    const made = { values, scale: sketch.op('Mul', [factor, start]), zeroPoint };
    this.#scales.set(first, made);
    return made;
  }
}
