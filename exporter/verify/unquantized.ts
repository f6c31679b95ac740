import { layerOf } from '../../compression/layers.ts';
import { WaysideError } from '../../core/errors.ts';
import type { Graph, Model, Node } from '../../onnx/graph.ts';
import { indexGraph } from '../../onnx/topology.ts';
import { lowered } from '../lowering/index.ts';
import { constantOf } from '../passes/rewrite.ts';
import { type FloatLayer, incomplete } from '../quantize/fusion.ts';
import { isProduct } from '../quantize/roles.ts';
import { requireLayers } from '../reading/require-layers.ts';

/** What multiplies, but has no integer kernel in ONNX Runtime (1.30, read off the graph that it loads). */
const WITHOUT_KERNEL = new Set(['ConvTranspose', 'Einsum', 'LSTM', 'GRU', 'RNN', 'DeformConv', 'Attention']);

const MULTIPLYING = new Set([...WITHOUT_KERNEL, 'Conv', 'Gemm', 'MatMul']);

/**
 * The layers that will stay in float whatever is calibrated, by their names in the file.
 *
 * @param model with its layers in their int8 forms (`lowered`)
 */
export const unquantized = ({ graph }: Model): readonly FloatLayer[] =>
  graph.nodes.flatMap((node) => [...floatLayerOf(graph, node), ...withinBodies(node)]);

/**
 * Says which layers will stay in float before minutes of calibration: those that ONNX Runtime has no integer kernel for, in a note; others
 * refuse the model.
 *
 * @throws {WaysideError} FUSION_INCOMPLETE for layers in a form that is not quantized, unless allowed; NOTHING_TO_DO
 */
export async function requireQuantizable(
  folded: Model,
  { allowFloat = false, note = () => {}, signal }: QuantizableOptions,
): Promise<void> {
  const model = await lowered(folded, signal);
  const layers = unquantized(model);
  const { graph } = model;
  if (!graph.nodes.some((node) => layerOf(graph, node) !== undefined || isProduct(graph, node))) {
    const [first] = layers;
    if (first === undefined) requireLayers(model, 'quantize');
    else throw nothing(first);
  }
  const others = layers.filter(({ withoutKernel }) => withoutKernel !== true);
  if (others.length > 0 && !allowFloat) throw incomplete(others);
  for (const { name, opType, reason } of layers) note(`note: ${name} (${opType}) stays in float: ${reason}`);
}

interface QuantizableOptions {
  readonly allowFloat?: boolean | undefined;
  readonly note?: ((text: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const nothing = ({ name, opType, reason }: FloatLayer): WaysideError =>
  new WaysideError('NOTHING_TO_DO', {
    message: `nothing of the model can be quantized: ${name} (${opType}) stays in float: ${reason}`,
    hint: 'integer kernels exist for convolutions and matrix products with constant weights',
  });

function floatLayerOf(graph: Graph, node: Node): readonly FloatLayer[] {
  const { name, opType, domain } = node;
  if (domain !== '' || !MULTIPLYING.has(opType)) return [];
  if (layerOf(graph, node) !== undefined || isProduct(graph, node)) return [];
  const kernel = withoutKernel(graph, node);
  if (kernel !== undefined) return [{ name, opType, reason: kernel, withoutKernel: true }];
  return [{ name, opType, reason: formOf(graph, node) }];
}

function withoutKernel(graph: Graph, { opType, inputs }: Node): string | undefined {
  if (WITHOUT_KERNEL.has(opType)) return `ONNX Runtime has no integer kernel for ${opType}`;
  const weights = constantOf(graph, inputs[1]);
  return opType === 'Conv' && weights !== undefined && weights.dims.length > 4
    ? `a convolution over ${weights.dims.length - 2} dimensions is not quantized: images have two`
    : undefined;
}

/** What keeps a layer with a kernel from being one of ours. */
function formOf(graph: Graph, { opType, inputs }: Node): string {
  const [x = '', w = '', b = ''] = inputs;
  const weights = constantOf(graph, w);
  if (weights === undefined && constantOf(graph, x) !== undefined)
    return 'its constant comes before the matrix it multiplies';
  if (weights === undefined) return `its weights are computed at every run, by ${makerOf(graph, w)}`;
  if (weights.dtype !== 'float32') return `its weights are ${weights.dtype}`;
  if (opType === 'MatMul') return `its weights are [${weights.dims.join(', ')}], not one matrix`;
  if (b !== '' && constantOf(graph, b) === undefined)
    return `its bias is computed at every run, by ${makerOf(graph, b)}`;
  return `this form of ${opType} has no int8 weights a channel`;
}

function makerOf(graph: Graph, value: string): string {
  const maker = indexGraph(graph).producer(value);
  return maker === undefined ? `an input of the graph, ${value}` : `${maker.name} (${maker.opType})`;
}

/** In the bodies of If, Loop and Scan, which stay as they are. */
function withinBodies({ name, opType, attributes }: Node): readonly FloatLayer[] {
  const bodies = Object.values(attributes).flatMap((each) => (each.type === 'graph' ? [each.value] : []));
  return bodies.flatMap(({ nodes }) =>
    nodes.flatMap((node): readonly FloatLayer[] => [
      ...(node.domain === '' && MULTIPLYING.has(node.opType)
        ? [
            {
              name: node.name,
              opType: node.opType,
              reason: `the body of ${name} (${opType}) stays as it is`,
              withoutKernel: true as const,
            },
          ]
        : []),
      ...withinBodies(node),
    ]),
  );
}
