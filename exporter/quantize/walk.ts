import { type Layer, layerOf } from '../../compression/layers.ts';
import type { GraphBuilder } from '../../onnx/build.ts';
import type { Model, Node } from '../../onnx/graph.ts';
import { valuesCapturedBy } from '../../onnx/topology.ts';
import type { LayerWeights } from './layer-weights.ts';
import type { Roles } from './roles.ts';
import { dataInputs } from './scales.ts';

/**
 * How the decisions of the walk are written: as integers (`QdqWriter`) or as floats that stand for them (`FakeQuantizeWriter`). What a writer
 * calls codes is whatever stands for a quantized value between two integer operators.
 */
export interface QuantizedWriter {
  readonly builder: GraphBuilder;
  /** The weights of a layer, and its bias where it has one. @param input writes the layer's input, when called, and names it */
  layerInputs(node: Node, layer: Layer, weights: LayerWeights, input: () => string): readonly string[];
  /** Codes of a float. @param absorbed the activation that they cut the value off for: at 0, and at its ceiling */
  quantize(float: string, value: string, absorbed?: { readonly ceiling: number | undefined }): string;
  /** The float that codes stand for. */
  dequantize(codes: string, value: string): string;
  /** A node that works on codes as they are. */
  integer(node: Node, inputs: () => readonly string[], outputs: () => readonly string[]): readonly string[];
  /** A float layer's input, kept from being taken for one that was forgotten. */
  floatLayerInput(float: string): string;
  /** Hands an output of the graph out under its own name. */
  output(codes: string, name: string): void;
}

/** The forms a value of the original graph may have in the new one; each is written when first asked for. */
interface Forms {
  /** As it was computed. */
  exact?: string;
  codes?: string;
  /** As its codes stand for it. */
  rounded?: string;
  /** No codes have been read since the graph's inputs or the last float layer. */
  untouched?: boolean;
}

/**
 * Walks a graph and decides, node by node, what is quantized and where: the same for every writer, so that what is trained computes what
 * is written.
 *
 * @param weights by the name of the layer's node
 */
export function walkQuantized(
  model: Model,
  roles: Roles,
  weights: ReadonlyMap<string, LayerWeights>,
  writer: QuantizedWriter,
): void {
  const walk = new Walk(model, roles, weights, writer);
  for (const node of model.graph.nodes) walk.node(node);
  walk.outputs();
}

class Walk {
  readonly #model: Model;
  readonly #roles: Roles;
  readonly #weights: ReadonlyMap<string, LayerWeights>;
  readonly #writer: QuantizedWriter;
  readonly #forms = new Map<string, Forms>();

  constructor(model: Model, roles: Roles, weights: ReadonlyMap<string, LayerWeights>, writer: QuantizedWriter) {
    this.#model = model;
    this.#roles = roles;
    this.#weights = weights;
    this.#writer = writer;
    for (const { name } of model.graph.inputs) this.#forms.set(name, { exact: name, untouched: true });
  }

  node(node: Node): void {
    const role = this.#roles.of(node);
    if (role.kind === 'layer') this.#layer(node, role.layer, role.quantizedOutput);
    else if (role.kind === 'requantized') {
      const inputs = node.inputs.map((input) => this.#rounded(input));
      this.#result(node, inputs, role.quantizedOutput);
    } else if (role.kind === 'integer') this.#integer(node);
    else if (role.kind === 'float') this.#float(node);
  }

  outputs(): void {
    for (const { name } of this.#model.graph.outputs) {
      if (this.#forms.get(name)?.exact !== name) this.#writer.output(this.#codes(name), name);
    }
  }

  #layer(node: Node, layer: Layer, quantizedOutput: boolean): void {
    const weights = this.#weights.get(node.name);
    if (weights === undefined) throw new Error(`no weights were decided for layer ${node.name}`);
    let input = '';
    const others = this.#writer.layerInputs(node, layer, weights, () => {
      input = this.#rounded(layer.input);
      return input;
    });
    this.#result(node, [input, ...others], quantizedOutput);
  }

  /** The node with its output quantized, or in float for who reads it so. An absorbed activation is done by the rounding. */
  #result(node: Node, inputs: readonly string[], quantizedOutput: boolean): void {
    const { builder } = this.#writer;
    const output = this.#roles.outputAfterAbsorption(node);
    const result = quantizedOutput || !this.#isOutput(output) ? builder.value() : output;
    builder.copy(node, inputs, [result]);
    if (!quantizedOutput) {
      this.#forms.set(output, { exact: result });
      return;
    }
    const absorbed = output === node.outputs[0] ? undefined : { ceiling: this.#roles.ceilingOf(output) };
    this.#forms.set(output, { codes: this.#writer.quantize(result, output, absorbed) });
  }

  /** On codes as they are: input and output share their scale. */
  #integer(node: Node): void {
    const data = new Set(dataInputs(node, 'integer'));
    const outputs = this.#writer.integer(
      node,
      () => node.inputs.map((input) => (data.has(input) ? this.#codes(input) : this.#given(input))),
      () => node.outputs.map((output) => (output === '' ? '' : this.#writer.builder.value())),
    );
    for (const [i, output] of node.outputs.entries()) this.#forms.set(output, { codes: outputs[i]! });
  }

  #float(node: Node): void {
    const { builder } = this.#writer;
    for (const value of valuesCapturedBy(node)) this.#keepName(value);
    const inputs = node.inputs.map((input) => this.#given(input));
    const isLayer = this.#hasConstantWeights(node);
    // What ONNX Runtime takes for a forgotten layer has a DequantizeLinear before it; elsewhere the guard would only keep its blocked
    // layout of float convolutions from being handed on (YOLOX-Nano: 1.3 ms of 13).
    if (isLayer && !this.#isUntouched(node.inputs[0] ?? '')) inputs[0] = this.#writer.floatLayerInput(inputs[0] ?? '');
    const untouched = isLayer || (valuesCapturedBy(node).size === 0 && node.inputs.every((i) => this.#isUntouched(i)));
    const outputs = node.outputs.map((output) => (output === '' || this.#isOutput(output) ? output : builder.value()));
    builder.copy(node, inputs, outputs);
    for (const [i, output] of node.outputs.entries()) this.#forms.set(output, { exact: outputs[i]!, untouched });
  }

  #isUntouched(value: string): boolean {
    return value === '' || this.#model.graph.initializers.has(value) || this.#formsOf(value).untouched === true;
  }

  #hasConstantWeights(node: Node): boolean {
    const { graph } = this.#model;
    const isConvolution = node.domain === '' && (node.opType === 'Conv' || node.opType === 'ConvTranspose');
    return layerOf(graph, node) !== undefined || (isConvolution && graph.initializers.has(node.inputs[1] ?? ''));
  }

  /** The value in float under its own name, by which a subgraph reads it. */
  #keepName(value: string): void {
    const { builder } = this.#writer;
    const constant = this.#model.graph.initializers.get(value);
    if (constant !== undefined) {
      builder.initializers.set(value, constant);
      return;
    }
    const forms = this.#formsOf(value);
    if (forms.exact === value) return;
    builder.op('Identity', [this.#given(value)], {}, { outputs: [value] });
    forms.exact = value;
  }

  /** The value in float, where an optional input is given: as it was computed, if it still is there. */
  #given(value: string): string {
    if (value === '') return '';
    return this.#constant(value) ?? this.#formsOf(value).exact ?? this.#rounded(value);
  }

  /** The value in float as its codes stand for it. */
  #rounded(value: string): string {
    const constant = this.#constant(value);
    if (constant !== undefined) return constant;
    const codes = this.#codes(value);
    const forms = this.#formsOf(value);
    forms.rounded ??= this.#writer.dequantize(codes, value);
    return forms.rounded;
  }

  #codes(value: string): string {
    const forms = this.#formsOf(value);
    forms.codes ??= this.#writer.quantize(forms.exact ?? '', value);
    return forms.codes;
  }

  #constant(value: string): string | undefined {
    const tensor = this.#model.graph.initializers.get(value);
    return tensor && this.#writer.builder.shared(tensor);
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
