import { type Layer, layerOf, storedOrder } from '../../compression/layers.ts';
import { narrow } from '../../core/narrow.ts';
import { int } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import type { Graph, Model, Node } from '../../onnx/graph.ts';
import { shortNames, subgraphNames } from '../../onnx/names.ts';
import { float32Tensor, int8Tensor, int32Tensor, uint8Tensor } from '../../onnx/tensor.ts';
import { valuesCapturedBy } from '../../onnx/topology.ts';
import { type StoredCodes, storeCodes } from './codebook.ts';
import type { LayerWeights } from './layer-weights.ts';
import type { Roles } from './roles.ts';
import { type ActivationScale, dataInputs } from './scales.ts';

/** The two forms a value of the original graph may have in the new one; each is written when first asked for. */
interface Forms {
  float?: string;
  uint8?: string;
}

export const storedCodes = (layer: Layer, { codes, codebooks, indexBits }: LayerWeights): StoredCodes => ({
  dims: layer.weights.dims,
  codes: storedOrder(layer, codes),
  codebooks,
  indexBits,
});

/** Writes a graph node by node in its quantized form. */
export class QdqWriter {
  readonly #model: Model;
  readonly #roles: Roles;
  readonly #scales: ReadonlyMap<string, ActivationScale>;
  readonly #weights: ReadonlyMap<string, LayerWeights>;
  readonly #builder: GraphBuilder;
  readonly #forms = new Map<string, Forms>();

  constructor(
    model: Model,
    roles: Roles,
    scales: ReadonlyMap<string, ActivationScale>,
    weights: ReadonlyMap<string, LayerWeights>,
  ) {
    const { inputs, outputs, nodes } = model.graph;
    this.#model = model;
    this.#roles = roles;
    this.#scales = scales;
    this.#weights = weights;
    const values = [...[...inputs, ...outputs].map(({ name }) => name), ...subgraphNames(model.graph)];
    const naming = shortNames({ values, nodes: nodes.map(({ name }) => name) });
    this.#builder = new GraphBuilder('wayside', { naming });
    for (const { name } of inputs) this.#forms.set(name, { float: name });
  }

  write(node: Node): void {
    const role = this.#roles.of(node);
    if (role.kind === 'layer') this.#writeLayer(node, role.layer, role.quantizedOutput);
    else if (role.kind === 'requantized') this.#writeRequantized(node, role.quantizedOutput);
    else if (role.kind === 'integer') this.#writeInteger(node);
    else if (role.kind === 'float') this.#writeFloat(node);
  }

  /** Hands every output of the graph out in float under its own name. */
  finish(): Pick<Graph, 'nodes' | 'initializers'> {
    for (const { name } of this.#model.graph.outputs) {
      if (this.#forms.get(name)?.float !== name) this.#dequantize(this.#uint8(name), this.#scaleOf(name), name);
    }
    return this.#builder;
  }

  #writeLayer(node: Node, layer: Layer, quantizedOutput: boolean): void {
    const weights = this.#weights.get(node.name);
    if (weights === undefined) throw new Error(`no weights were decided for layer ${node.name}`);
    const builder = this.#builder;
    const x = this.#float(layer.input, true);
    const scales = builder.shared(float32Tensor([layer.rows], weights.scales));
    const codes = storeCodes(builder, storedCodes(layer, weights));
    // ONNX Runtime 1.30 fuses a convolution without a weight zero point, but a Gemm only with one for every column.
    const zeros = node.opType === 'Conv' ? [] : [builder.shared(int8Tensor([layer.rows], new Int8Array(layer.rows)))];
    const axis = { axis: int(layer.transposed ? 1 : 0) };
    const inputs = [x, builder.op('DequantizeLinear', [codes, scales, ...zeros], axis)];
    if (weights.bias !== undefined) inputs.push(this.#writeBias(node, weights, this.#scaleOf(layer.input).scale));
    this.#writeResult(node, inputs, quantizedOutput);
  }

  /**
   * An absorbed Relu or ReLU6 is done by saturation only where the codes end at its bounds. A scale shared with values beyond
   * them (another branch of a Concat) does not: then the bytes are cut off.
   */
  #quantizeOutput(node: Node, value: string): string {
    const output = this.#roles.outputAfterAbsorption(node);
    const scale = this.#scaleOf(output);
    let quantized = this.#quantize(value, scale);
    if (output === node.outputs[0]) return quantized;
    const { zeroPoint } = scale;
    if (zeroPoint > 0) quantized = this.#builder.op('Max', [quantized, this.#byte(zeroPoint)]);
    const ceiling = Math.round((this.#roles.ceilingOf(output) ?? Number.POSITIVE_INFINITY) / scale.scale) + zeroPoint;
    return ceiling < 255 ? this.#builder.op('Min', [quantized, this.#byte(ceiling)]) : quantized;
  }

  #byte(value: number): string {
    return this.#builder.shared(
      uint8Tensor(
        [],
        narrow('uint8', 1, () => value, 'a zero point or bound'),
      ),
    );
  }

  #writeBias({ name }: Node, { scales, bias = new Float32Array() }: LayerWeights, inputScale: number): string {
    const biasScales = scales.map((scale) => scale * inputScale);
    const codeOf = (row: number): number => Math.round(bias[row]! / biasScales[row]!);
    const codes = narrow('int32', bias.length, codeOf, `the bias of ${name}`);
    const dims = [bias.length];
    const inputs = [int32Tensor(dims, codes), float32Tensor(dims, biasScales)].map((tensor) =>
      this.#builder.shared(tensor),
    );
    return this.#builder.op('DequantizeLinear', inputs, { axis: int(0) });
  }

  #writeRequantized(node: Node, quantizedOutput: boolean): void {
    const inputs = node.inputs.map((input) => this.#float(input, true));
    this.#writeResult(node, inputs, quantizedOutput);
  }

  /** The node with its output quantized, or in float for who reads it so. */
  #writeResult(node: Node, inputs: readonly string[], quantizedOutput: boolean): void {
    const output = this.#roles.outputAfterAbsorption(node);
    const result = quantizedOutput || !this.#isOutput(output) ? this.#builder.value() : output;
    this.#builder.copy(node, inputs, [result]);
    const forms = quantizedOutput ? { uint8: this.#quantizeOutput(node, result) } : { float: result };
    this.#forms.set(output, forms);
  }

  /** On the uint8 values as they are: input and output share their scale. */
  #writeInteger(node: Node): void {
    const data = new Set(dataInputs(node, 'integer'));
    const zero = this.#byte(this.#scaleOf(node.outputs[0] ?? '').zeroPoint);
    const inputs = node.inputs.map((input) => (data.has(input) ? this.#uint8(input) : this.#given(input)));
    const results = node.outputs.map((output) => (output === '' ? '' : this.#builder.value()));
    if (node.opType === 'Relu') this.#builder.op('Max', [...inputs, zero], {}, { outputs: results });
    else if (node.opType === 'Pad')
      this.#builder.copy(node, [...inputs.slice(0, 2), zero, ...inputs.slice(3)], results);
    else this.#builder.copy(node, inputs, results);
    for (const [i, output] of node.outputs.entries()) this.#forms.set(output, { uint8: results[i]! });
  }

  #writeFloat(node: Node): void {
    for (const value of valuesCapturedBy(node)) this.#keepName(value);
    const inputs = node.inputs.map((input) => this.#given(input));
    if (this.#hasConstantWeights(node)) inputs[0] = this.#apart(inputs[0] ?? '');
    const outputs = node.outputs.map((output) =>
      output === '' || this.#isOutput(output) ? output : this.#builder.value(),
    );
    this.#builder.copy(node, inputs, outputs);
    for (const [i, output] of node.outputs.entries()) this.#forms.set(output, { float: outputs[i]! });
  }

  #hasConstantWeights(node: Node): boolean {
    const { graph } = this.#model;
    const isConvolution = node.domain === '' && (node.opType === 'Conv' || node.opType === 'ConvTranspose');
    return layerOf(graph, node) !== undefined || (isConvolution && graph.initializers.has(node.inputs[1] ?? ''));
  }

  /** The value in float under its own name, by which a subgraph reads it. */
  #keepName(value: string): void {
    const { initializers } = this.#model.graph;
    const constant = initializers.get(value);
    if (constant !== undefined) {
      this.#builder.initializers.set(value, constant);
      return;
    }
    const forms = this.#formsOf(value);
    if (forms.float === value) return;
    this.#builder.op('Identity', [this.#float(value)], {}, { outputs: [value] });
    forms.float = value;
  }

  /** The value in float, where an optional input is given. */
  #given(input: string): string {
    return input === '' ? '' : this.#float(input);
  }

  /**
   * Max of one value is the value. Without it ONNX Runtime (WeightBiasQuantization, 1.30) finds a float layer between
   * DequantizeLinear and QuantizeLinear, takes it for one that was forgotten, and quantizes its weights itself.
   */
  #apart(value: string): string {
    return this.#builder.op('Max', [value]);
  }

  /**
   * The value in float. `fromUint8` asks for the quantized value's float, so that a Q/DQ pair stands between its maker and
   * its reader; without it, the float itself is handed on where there is one.
   */
  #float(value: string, fromUint8 = false): string {
    const constant = this.#model.graph.initializers.get(value);
    if (constant !== undefined) return this.#builder.shared(constant);
    const forms = this.#formsOf(value);
    if (!fromUint8 && forms.float !== undefined) return forms.float;
    return this.#dequantized(value);
  }

  #dequantized(value: string): string {
    const uint8 = this.#uint8(value);
    const key = `${value} `;
    const known = this.#forms.get(key)?.float;
    if (known !== undefined) return known;
    const float = this.#dequantize(uint8, this.#scaleOf(value));
    this.#forms.set(key, { float });
    return float;
  }

  #uint8(value: string): string {
    const forms = this.#formsOf(value);
    if (forms.uint8 !== undefined) return forms.uint8;
    forms.uint8 = this.#quantize(forms.float ?? '', this.#scaleOf(value));
    return forms.uint8;
  }

  #quantize(value: string, scale: ActivationScale): string {
    return this.#builder.op('QuantizeLinear', [value, ...this.#parameters(scale)]);
  }

  #dequantize(value: string, scale: ActivationScale, output?: string): string {
    return this.#builder.op(
      'DequantizeLinear',
      [value, ...this.#parameters(scale)],
      {},
      output === undefined ? {} : { outputs: [output] },
    );
  }

  #parameters({ scale, zeroPoint }: ActivationScale): string[] {
    const scaleName = this.#builder.shared(float32Tensor([], Float32Array.of(scale)));
    return [scaleName, this.#byte(zeroPoint)];
  }

  #formsOf(value: string): Forms {
    const forms = this.#forms.get(value);
    if (forms === undefined) throw new Error(`value ${value} was read before it was written`);
    return forms;
  }

  #scaleOf(value: string): ActivationScale {
    const scale = this.#scales.get(value);
    if (scale === undefined) throw new Error(`value ${value} has no scale`);
    return scale;
  }

  #isOutput(value: string): boolean {
    return this.#model.graph.outputs.some(({ name }) => name === value);
  }
}
