import { type Layer, storedOrder } from '../../compression/layers.ts';
import { narrow } from '../../core/narrow.ts';
import { int } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import type { Graph, Node } from '../../onnx/graph.ts';
import { rewrittenNames } from '../../onnx/names.ts';
import { float32Tensor, int8Tensor, int32Tensor, uint8Tensor } from '../../onnx/tensor.ts';
import { type StoredCodes, storeCodes } from './codebook.ts';
import type { LayerWeights } from './layer-weights.ts';
import type { ActivationScale } from './scales.ts';
import type { QuantizedWriter } from './walk.ts';

export const storedCodes = (layer: Layer, { codes, codebooks, indexBits }: LayerWeights): StoredCodes => ({
  dims: layer.weights.dims,
  codes: storedOrder(layer, codes),
  codebooks,
  indexBits,
});

/** Writes the integers: codes between QuantizeLinear and DequantizeLinear, weights as stored codes, biases as int32. */
export class QdqWriter implements QuantizedWriter {
  readonly builder: GraphBuilder;
  readonly #scales: ReadonlyMap<string, ActivationScale>;

  constructor(graph: Graph, scales: ReadonlyMap<string, ActivationScale>) {
    this.#scales = scales;
    this.builder = new GraphBuilder('wayside', { naming: rewrittenNames(graph) });
  }

  layerInputs(node: Node, layer: Layer, weights: LayerWeights, input: () => string): readonly string[] {
    const { builder } = this;
    input();
    const scales = builder.shared(float32Tensor([layer.rows], weights.scales));
    const codes = storeCodes(builder, storedCodes(layer, weights));
    // ONNX Runtime 1.30 fuses a convolution without a weight zero point, but a Gemm only with one for every column.
    const zeros = node.opType === 'Conv' ? [] : [builder.shared(int8Tensor([layer.rows], new Int8Array(layer.rows)))];
    const axis = { axis: int(layer.transposed ? 1 : 0) };
    const stored = builder.op('DequantizeLinear', [codes, scales, ...zeros], axis);
    return weights.bias === undefined
      ? [stored]
      : [stored, this.#bias(node, weights, this.#scaleOf(layer.input).scale)];
  }

  /**
   * An absorbed Relu or ReLU6 is done by saturation only where the codes end at its bounds. A scale shared with values beyond
   * them (another branch of a Concat) does not: then the bytes are cut off.
   */
  quantize(float: string, value: string, absorbed?: { readonly ceiling: number | undefined }): string {
    const scale = this.#scaleOf(value);
    let codes = this.builder.op('QuantizeLinear', [float, ...this.#parameters(scale)]);
    if (absorbed === undefined) return codes;
    const { zeroPoint } = scale;
    if (zeroPoint > 0) codes = this.builder.op('Max', [codes, this.#byte(zeroPoint)]);
    const ceiling = Math.round((absorbed.ceiling ?? Number.POSITIVE_INFINITY) / scale.scale) + zeroPoint;
    return ceiling < 255 ? this.builder.op('Min', [codes, this.#byte(ceiling)]) : codes;
  }

  dequantize(codes: string, value: string): string {
    return this.builder.op('DequantizeLinear', [codes, ...this.#parameters(this.#scaleOf(value))]);
  }

  integer(node: Node, inputs: () => readonly string[], outputs: () => readonly string[]): readonly string[] {
    const zero = this.#byte(this.#scaleOf(node.outputs[0] ?? '').zeroPoint);
    const [given, made] = [inputs(), outputs()];
    if (node.opType === 'Relu') this.builder.op('Max', [...given, zero], {}, { outputs: made });
    else if (node.opType === 'Pad') this.builder.copy(node, [...given.slice(0, 2), zero, ...given.slice(3)], made);
    else this.builder.copy(node, given, made);
    return made;
  }

  /**
   * Max of one value is the value. Without it ONNX Runtime (WeightBiasQuantization, 1.30) finds a float layer between
   * DequantizeLinear and QuantizeLinear, takes it for one that was forgotten, and quantizes its weights itself.
   */
  floatLayerInput(float: string): string {
    return this.builder.op('Max', [float]);
  }

  output(codes: string, name: string): void {
    const inputs = [codes, ...this.#parameters(this.#scaleOf(name))];
    this.builder.op('DequantizeLinear', inputs, {}, { outputs: [name] });
  }

  #byte(value: number): string {
    return this.builder.shared(
      uint8Tensor(
        [],
        narrow('uint8', 1, () => value, 'a zero point or bound'),
      ),
    );
  }

  #bias({ name }: Node, { scales, bias = new Float32Array() }: LayerWeights, inputScale: number): string {
    const biasScales = scales.map((scale) => scale * inputScale);
    const codeOf = (row: number): number => Math.round(bias[row]! / biasScales[row]!);
    const codes = narrow('int32', bias.length, codeOf, `the bias of ${name}`);
    const dims = [bias.length];
    const inputs = [int32Tensor(dims, codes), float32Tensor(dims, biasScales)].map((tensor) =>
      this.builder.shared(tensor),
    );
    return this.builder.op('DequantizeLinear', inputs, { axis: int(0) });
  }

  #parameters({ scale, zeroPoint }: ActivationScale): string[] {
    const scaleName = this.builder.shared(float32Tensor([], Float32Array.of(scale)));
    return [scaleName, this.#byte(zeroPoint)];
  }

  #scaleOf(value: string): ActivationScale {
    const scale = this.#scales.get(value);
    if (scale === undefined) throw new Error(`value ${value} has no scale`);
    return scale;
  }
}
