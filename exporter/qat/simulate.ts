import type { Parameter } from '../../compression/autodiff/parameters.ts';
import type { Layer } from '../../compression/layers.ts';
import { narrow } from '../../core/narrow.ts';
import type { Model, Node } from '../../onnx/graph.ts';
import { irVersionFor, upgradeOpset } from '../../onnx/opset.ts';
import { float32Tensor, uint8Tensor } from '../../onnx/tensor.ts';
import { livingParts } from '../passes/eliminate-dead.ts';
import { withGraph } from '../passes/rewrite.ts';
import type { QuantizeInput } from '../quantize/quantize-model.ts';
import { assignRoles, type Roles } from '../quantize/roles.ts';
import { type ActivationScale, dataInputs, planScales, type ScalePlan } from '../quantize/scales.ts';
import { Sketch } from './sketch.ts';
import { type SimulatedWeights, simulateWeights } from './weights.ts';

/** The operator set of training graphs. */
const OPSET = 17;

export interface SimulatedLayer extends Omit<SimulatedWeights, 'weights'> {
  /** Whole numbers in float, `[rows]`; undefined for a layer without a bias. */
  readonly biasCodes: string | undefined;
}

/** Values that share one scale. */
export interface SimulatedScale {
  readonly values: readonly string[];
  /** Of no dimension. */
  readonly scale: string;
  readonly zeroPoint: number;
}

/** A float graph that computes what the int8 model will, from parameters that can be trained. */
export interface Simulation {
  readonly model: Model;
  readonly parameters: readonly Parameter[];
  /** Values that gradients take for constants. */
  readonly held: ReadonlySet<string>;
  /** By the name of the layer's node. */
  readonly layers: ReadonlyMap<string, SimulatedLayer>;
  readonly scales: readonly SimulatedScale[];
}

/**
 * Simulates quantization as `quantizeModel` would write it: the same values are rounded, with the same scales and codes, at the
 * same places. Activations by QuantizeLinear and DequantizeLinear with learned scales, weights by `simulateWeights`, biases
 * rounded to their int32 grid.
 *
 * @param limit largest weight code of the target
 * @throws {WaysideError} CALIBRATION_MISMATCH, CALIBRATION_INVALID
 */
export function simulate(model: Model, input: QuantizeInput, limit: number): Simulation {
  const source = (model.opsets.get('') ?? 0) < OPSET ? upgradeOpset(model, OPSET) : model;
  const roles = assignRoles(source.graph, input.float);
  const writer = new SimulationWriter(source, roles, planScales(source.graph, roles), input, limit);
  for (const node of source.graph.nodes) writer.write(node);
  return writer.finish();
}

interface Forms {
  /** As it was computed. */
  exact?: string;
  /** As its codes stand for it. */
  rounded?: string;
}

class SimulationWriter {
  readonly #model: Model;
  readonly #roles: Roles;
  readonly #plan: ScalePlan;
  readonly #input: QuantizeInput;
  readonly #limit: number;
  readonly #sketch: Sketch;
  readonly #starting: ReadonlyMap<string, ActivationScale>;
  readonly #forms = new Map<string, Forms>();
  readonly #layers = new Map<string, SimulatedLayer>();
  /** By the first value of those that share it. */
  readonly #scales = new Map<string, SimulatedScale>();

  constructor(model: Model, roles: Roles, plan: ScalePlan, input: QuantizeInput, limit: number) {
    this.#model = model;
    this.#roles = roles;
    this.#plan = plan;
    this.#input = input;
    this.#limit = limit;
    this.#sketch = new Sketch(model);
    this.#starting = plan.scales(input.ranges);
    for (const { name } of model.graph.inputs) this.#forms.set(name, { exact: name });
  }

  write(node: Node): void {
    const role = this.#roles.of(node);
    if (role.kind === 'layer') this.#writeLayer(node, role.layer, role.quantizedOutput);
    else if (role.kind === 'requantized') {
      const inputs = node.inputs.map((input) => this.#rounded(input));
      this.#writeResult(node, inputs, role.quantizedOutput);
    } else if (role.kind === 'integer') this.#writeInteger(node);
    else if (role.kind === 'float') this.#writeFloat(node);
  }

  finish(): Simulation {
    const sketch = this.#sketch;
    const { graph } = this.#model;
    for (const { name } of graph.outputs) {
      const made = this.#any(name);
      if (made !== name) sketch.op('Identity', [made], {}, { outputs: [name] });
    }
    const { nodes, initializers, parameters, held } = sketch;
    const written = withGraph(this.#model, { name: 'simulation', nodes, initializers, valueInfo: new Map() });
    const model = {
      ...withGraph(written, livingParts(written.graph)),
      irVersion: irVersionFor(OPSET),
      opsets: new Map([...this.#model.opsets, ['', Math.max(OPSET, this.#model.opsets.get('') ?? 0)]]),
    };
    return { model, parameters, held, layers: this.#layers, scales: [...this.#scales.values()] };
  }

  #writeLayer(node: Node, layer: Layer, quantizedOutput: boolean): void {
    const decided = this.#input.weights.get(node.name);
    if (decided === undefined) throw new Error(`no weights were decided for layer ${node.name}`);
    const sketch = this.#sketch;
    const { weights, codes, scales } = simulateWeights(sketch, layer, decided, this.#limit);
    const inputs = [this.#rounded(layer.input), weights];
    let biasCodes: string | undefined;
    if (decided.bias !== undefined) {
      const unit = Float32Array.from(
        decided.scales,
        (scale) => 255 * this.#starting.get(layer.input)!.scale * this.#limit * scale,
      );
      const shares = Float32Array.from(decided.bias, (bias, row) => bias / unit[row]!);
      const dims = [layer.rows];
      const learned = sketch.parameter(`${node.name}:bias`, 'bias', dims, shares);
      const exact = sketch.op('Mul', [learned, sketch.floats(unit, dims)]);
      const grid = sketch.op('Mul', [scales, this.#scaleOf(layer.input).scale]);
      biasCodes = sketch.op('Round', [sketch.op('Div', [exact, grid])]);
      inputs.push(sketch.straightThrough(sketch.op('Mul', [biasCodes, grid]), exact));
    }
    this.#layers.set(node.name, { codes, scales, biasCodes });
    this.#writeResult(node, inputs, quantizedOutput);
  }

  /** An absorbed activation is done here: rounding to codes that begin at 0 does a Relu by itself. */
  #writeResult(node: Node, inputs: readonly string[], quantizedOutput: boolean): void {
    const sketch = this.#sketch;
    const output = this.#roles.outputAfterAbsorption(node);
    const asOutput = !quantizedOutput && this.#isOutput(output);
    let result = asOutput ? output : sketch.value();
    sketch.copy(node, inputs, [result]);
    if (!quantizedOutput) {
      this.#forms.set(output, { exact: result });
      return;
    }
    if (output !== node.outputs[0]) {
      const ceiling = this.#roles.ceilingOf(output);
      if (ceiling !== undefined) result = sketch.op('Clip', [result, sketch.scalar(0), sketch.scalar(ceiling)]);
      else if (this.#scaleOf(output).zeroPoint > 0) result = sketch.op('Relu', [result]);
    }
    this.#forms.set(output, { rounded: this.#round(result, output) });
  }

  /** What moves or compares codes does the same to the numbers they stand for. */
  #writeInteger(node: Node): void {
    const data = new Set(dataInputs(node, 'integer'));
    const inputs = node.inputs.map((input) => (data.has(input) ? this.#rounded(input) : this.#any(input)));
    const outputs = node.outputs.map((output) => (output === '' ? '' : this.#sketch.value()));
    this.#sketch.copy(node, inputs, outputs);
    for (const [i, output] of node.outputs.entries()) this.#forms.set(output, { rounded: outputs[i]! });
  }

  #writeFloat(node: Node): void {
    const inputs = node.inputs.map((input) => this.#any(input));
    const outputs = node.outputs.map((output) =>
      output === '' || this.#isOutput(output) ? output : this.#sketch.value(),
    );
    this.#sketch.copy(node, inputs, outputs);
    for (const [i, output] of node.outputs.entries()) this.#forms.set(output, { exact: outputs[i]! });
  }

  #rounded(value: string): string {
    const constant = this.#constant(value);
    if (constant !== undefined) return constant;
    const forms = this.#formsOf(value);
    forms.rounded ??= this.#round(forms.exact ?? '', value);
    return forms.rounded;
  }

  #any(value: string): string {
    if (value === '') return '';
    const constant = this.#constant(value);
    if (constant !== undefined) return constant;
    const { exact, rounded } = this.#formsOf(value);
    return exact ?? rounded ?? '';
  }

  #constant(value: string): string | undefined {
    const tensor = this.#model.graph.initializers.get(value);
    return tensor && this.#sketch.shared(tensor);
  }

  #round(result: string, value: string): string {
    const { scale, zeroPoint } = this.#scaleOf(value);
    const zero = this.#sketch.shared(
      uint8Tensor(
        [],
        narrow('uint8', 1, () => zeroPoint, `the zero point of ${value}`),
      ),
    );
    const codes = this.#sketch.op('QuantizeLinear', [result, scale, zero]);
    return this.#sketch.op('DequantizeLinear', [codes, scale, zero]);
  }

  #scaleOf(value: string): SimulatedScale {
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

  #formsOf(value: string): Forms {
    const forms = this.#forms.get(value);
    if (forms === undefined) throw new Error(`value ${value} was read before it was written`);
    return forms;
  }

  #isOutput(value: string): boolean {
    return this.#model.graph.outputs.some(({ name }) => name === value);
  }
}
