import { WaysideError } from '../../core/errors.ts';
import type { Model, Node } from '../../onnx/graph.ts';
import { allGraphs } from '../../onnx/topology.ts';

/** Domains of ONNX Runtime in which operators have the names of ONNX's own, in another layout: what a saved optimized model holds. */
const RUNTIME_LAYOUTS = /^com\.(microsoft\.nchwc|ms\.internal\.nhwc)$/;

/** What ONNX Runtime's optimizer makes of several operators: their weights are no longer those of a Conv, Gemm or MatMul. */
const FUSED = /^(Fused(Conv|Gemm|MatMul|MatMulActivation)|TransposeMatMul)$/;

/** Operators on integers, in ONNX and in ONNX Runtime's own domain. */
const QUANTIZED =
  /^(QLinear.+|QGemm|QAttention|QEmbedLayerNormalization|ConvInteger|MatMulInteger.*|DynamicQuantize.+|MatMulNBits|MatMulBnb4|GatherBlockQuantized)$/;

const QDQ: ReadonlySet<string> = new Set(['QuantizeLinear', 'DequantizeLinear']);

const isOurs = ({ domain }: Node): boolean => domain === '' || domain.startsWith('com.microsoft');

interface Form {
  readonly says: string;
  readonly hint: string;
  readonly found: readonly Node[];
}

/**
 * Refuses what is no float model any more, before minutes are spent on it.
 *
 * @throws {WaysideError} MODEL_QUANTIZED; MODEL_UNSUPPORTED for what ONNX Runtime saved after optimizing
 */
export function requireFloat({ graph }: Model): void {
  const nodes = allGraphs(graph).flatMap((each) => each.nodes);
  const quantized: readonly Form[] = [
    { says: 'on integers', found: nodes.filter((node) => isOurs(node) && QUANTIZED.test(node.opType)) },
    { says: 'between quantized and float', found: nodes.filter((node) => isOurs(node) && QDQ.has(node.opType)) },
  ].map((form) => ({ ...form, hint: 'give the float model that it was made from' }));
  for (const { says, hint, found } of quantized) {
    if (found.length === 0) continue;
    throw new WaysideError('MODEL_QUANTIZED', {
      message: `the model is quantized already: it has ${listed(found)}, operators ${says}`,
      hint,
    });
  }
  const optimized = nodes.filter(
    ({ domain, opType }) =>
      RUNTIME_LAYOUTS.test(domain) || ((domain === 'com.microsoft' || domain === '') && FUSED.test(opType)),
  );
  if (optimized.length === 0) return;
  throw new WaysideError('MODEL_UNSUPPORTED', {
    message: `the model was saved by ONNX Runtime after optimizing: it has ${listed(optimized)}`,
    hint: 'give the model as it was exported; its optimized form belongs to one runtime',
  });
}

/** `3 FusedConv of com.microsoft (first: c1), 2 Conv of com.microsoft.nchwc (first: c4)`. */
function listed(nodes: readonly Node[]): string {
  const kinds = new Map<string, Node[]>();
  for (const node of nodes) {
    const kind = node.domain === '' ? node.opType : `${node.opType} of ${node.domain}`;
    kinds.set(kind, [...(kinds.get(kind) ?? []), node]);
  }
  return [...kinds].map(([kind, found]) => `${found.length} ${kind} (first: ${found[0]?.name})`).join(', ');
}
