import { layersOf } from '../../compression/layers.ts';
import type { Model } from '../../onnx/graph.ts';
import { irVersionFor, upgradeOpset } from '../../onnx/opset.ts';
import { withoutDeadNodes } from '../passes/eliminate-dead.ts';
import { withGraph } from '../passes/rewrite.ts';
import { withoutRemoved } from '../reading/model-notes.ts';
import { withinAccumulators } from './accumulator.ts';
import { OPSET_OF_FORM, weightForm } from './codebook.ts';
import type { LayerWeights } from './layer-weights.ts';
import { QdqWriter, storedCodes } from './qdq.ts';
import type { Range } from './range.ts';
import { assignRoles } from './roles.ts';
import { type ActivationScale, planScales } from './scales.ts';
import { walkQuantized } from './walk.ts';

export interface QuantizeInput {
  readonly ranges: ReadonlyMap<string, Range>;
  /** In place of those that follow from the ranges: learned ones, written as they are. */
  readonly scales?: ReadonlyMap<string, ActivationScale> | undefined;
  /** By the name of the layer's node. */
  readonly weights: ReadonlyMap<string, LayerWeights>;
  /** Names of layers that stay in float. @default none */
  readonly float?: ReadonlySet<string> | undefined;
}

/** What is quantized, with weights whose sums int32 holds: what `quantizeModel` will write, for who reads it before. */
export function withFittingWeights<T extends QuantizeInput>(model: Model, input: T): T {
  const scales = input.scales ?? planScales(model.graph, assignRoles(model.graph, input.float)).scales(input.ranges);
  return { ...input, weights: withinAccumulators(layersOf(model.graph), input.weights, scales) };
}

/** The values whose ranges `quantizeModel` needs. */
export const valuesToCalibrate = ({ graph }: Model): readonly string[] => planScales(graph, assignRoles(graph)).values;

/** Values inside the graph that are quantized, those that share a scale together. */
export function scaleClasses({ graph }: Model): readonly (readonly string[])[] {
  const inputs = new Set(graph.inputs.map(({ name }) => name));
  const { values, classOf } = planScales(graph, assignRoles(graph));
  return [...new Set(values.map(classOf))].filter((members) => !members.some((name) => inputs.has(name)));
}

/**
 * Writes the int8 model: uint8 activations between QuantizeLinear and DequantizeLinear around every computing operator, int8
 * weights per output channel, int32 biases of scale x_scale * w_scale[c]. Graph inputs and outputs stay float32.
 *
 * Channels whose bias or sum would not fit int32 get a wider weight scale (`withinAccumulators`).
 *
 * The operator set is the lowest that holds it: 13 (per-channel DequantizeLinear), 18, 21 or 25 by the form of the codebooks.
 *
 * @throws {WaysideError} CALIBRATION_MISMATCH, CALIBRATION_INVALID, INTEGER_OVERFLOW
 */
export function quantizeModel(model: Model, { ranges, scales, weights, float }: QuantizeInput): Model {
  const forms = layersOf(model.graph).flatMap((layer) => {
    const decided = weights.get(layer.node.name);
    return decided === undefined || float?.has(layer.node.name) ? [] : [weightForm(storedCodes(layer, decided))];
  });
  const opset = Math.max(13, model.opsets.get('') ?? 13, ...forms.map((form) => OPSET_OF_FORM[form]));
  const source = upgradeOpset(model, opset);
  const roles = assignRoles(source.graph, float);
  const used = scales ?? planScales(source.graph, roles).scales(ranges);
  const fitting = withinAccumulators(layersOf(source.graph), weights, used);
  const writer = new QdqWriter(source.graph, used);
  walkQuantized(source, roles, fitting, writer);
  const { nodes, initializers } = writer.builder;
  const written = withGraph(source, { name: 'wayside', nodes, initializers, valueInfo: new Map() });
  return {
    ...withGraph(written, withoutDeadNodes(written.graph)),
    irVersion: irVersionFor(opset),
    opsets: new Map([...source.opsets, ['', opset]]),
    metadata: withoutRemoved(source.metadata),
    producerName: 'wayside',
    producerVersion: '',
  };
}
