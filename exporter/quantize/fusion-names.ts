import type { Model } from '../../onnx/graph.ts';
import { indexGraph } from '../../onnx/topology.ts';

const LAYERS = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);

/** What ONNX Runtime's passes put around the name of the node that they replace (1.30, read off optimized graphs). */
const DECORATIONS = [/^fused /, /\/MatMulAddFusion$/, /\/GemmSumFusion\/?$/, /_FusedMatMulAndScale$/, /_nchwc$/];

/**
 * Names of layers as the file has them, by those that ONNX Runtime gives them: it calls a layer after what it fused, or after its output or
 * that of an activation it took in (`x_nchwc`).
 *
 * @param model that was loaded
 */
export function originalNames({ graph }: Model): (name: string) => string {
  const index = indexGraph(graph);
  const layers = graph.nodes.filter(({ domain, opType }) => domain === '' && LAYERS.has(opType));
  const after = (values: readonly string[]): string[] =>
    values.flatMap((value) => index.consumers(value).flatMap(({ outputs }) => outputs));
  // A sum, then an activation may have been taken in; a value belongs to the layer nearest before it.
  const known = new Map<string, string>();
  for (const reach of [
    (values: readonly string[]) => after(after(values)),
    after,
    (values: readonly string[]) => values,
  ]) {
    for (const { name, outputs } of layers) for (const value of reach(outputs)) known.set(value, name);
  }
  for (const { name } of layers) known.set(name, name);
  return (given) => {
    let name = given;
    for (let bare = ''; bare !== name && !known.has(name); ) {
      bare = name;
      name = DECORATIONS.reduce((text, decoration) => text.replace(decoration, ''), bare);
    }
    return known.get(name) ?? given;
  };
}
