import { type Layer, layersOf } from '../../compression/layers.ts';
import { macsOfNode, type Types } from '../../onnx/cost.ts';
import type { Graph, Model } from '../../onnx/graph.ts';
import { inferShapes } from '../../onnx/shapes.ts';
import { elementCount } from '../../onnx/tensor.ts';
import { indexGraph } from '../../onnx/topology.ts';

/**
 * Products that int8 must spare for each value that is handed from float to int8 or back. Handing over takes 0.55 ns a value (quantize,
 * dequantize, leave and enter the blocked layout of float convolutions); a product of a pointwise convolution of 64 channels takes 6 ps
 * less in int8 (51 instead of 115 us for 11 million). YOLOX-Nano, one thread with AVX512-VNNI.
 */
const PRODUCTS_A_VALUE = 90;

/**
 * The layers in float, and those between them for which going over to int8 and back would take longer than int8 spares.
 *
 * @param float names of layers
 * @returns the same where there are none
 */
export function withIslands(model: Model, float: ReadonlySet<string>): ReadonlySet<string> {
  if (float.size < 2) return float;
  const { graph } = model;
  const types = inferShapes(model);
  const flow = flowOf(graph);
  const after = reached(float, (name) => flow.readers.get(name) ?? []);
  const before = reached(float, (name) => flow.sources.get(name) ?? []);
  const between = new Set(
    [...flow.layers.keys()].filter((name) => !float.has(name) && after.has(name) && before.has(name)),
  );
  const filled = new Set(float);
  while (between.size > 0) {
    const [first = ''] = between;
    const neighbours = (name: string) => [...(flow.readers.get(name) ?? []), ...(flow.sources.get(name) ?? [])];
    const island = new Set([
      first,
      ...reached(new Set([first]), (name) => neighbours(name).filter((n) => between.has(n))),
    ]);
    for (const name of island) between.delete(name);
    if (isDear(island, float, flow, types)) for (const name of island) filled.add(name);
  }
  return filled.size === float.size ? float : filled;
}

interface Flow {
  readonly layers: ReadonlyMap<string, Layer>;
  /** The layers that what a layer reads was made by, with nothing but other operators between. */
  readonly sources: ReadonlyMap<string, readonly string[]>;
  readonly readers: ReadonlyMap<string, readonly string[]>;
}

function flowOf(graph: Graph): Flow {
  const index = indexGraph(graph);
  const layers = new Map(layersOf(graph).map((layer) => [layer.node.name, layer]));
  const made = new Map<string, ReadonlySet<string>>();
  const sources = new Map<string, readonly string[]>();
  const readers = new Map<string, string[]>();
  for (const node of graph.nodes) {
    const from = new Set(node.inputs.flatMap((input) => [...(made.get(input) ?? [])]));
    const isLayer = layers.has(node.name) && index.producer(node.outputs[0] ?? '') === node;
    if (isLayer) {
      sources.set(node.name, [...from]);
      for (const source of from) readers.set(source, [...(readers.get(source) ?? []), node.name]);
    }
    for (const output of node.outputs) made.set(output, isLayer ? new Set([node.name]) : from);
  }
  return { layers, sources, readers };
}

/** Everything that can be come to from there, itself only where a way leads back. */
function reached(from: ReadonlySet<string>, next: (name: string) => readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const open = [...from];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    for (const each of next(name)) {
      if (seen.has(each)) continue;
      seen.add(each);
      open.push(each);
    }
  }
  return seen;
}

/** Where a size is unknown an island is left as it is. */
function isDear(
  island: ReadonlySet<string>,
  float: ReadonlySet<string>,
  { layers, sources }: Flow,
  types: Types,
): boolean {
  const handed = new Set<string>();
  let products = 0;
  for (const [name, { node, input }] of layers) {
    const from = sources.get(name) ?? [];
    if (island.has(name)) products += macsOfNode(node, types) ?? Number.NaN;
    const crosses = island.has(name)
      ? from.some((source) => float.has(source))
      : float.has(name) && from.some((source) => island.has(source));
    if (crosses) handed.add(input);
  }
  let values = 0;
  for (const value of handed) values += countOf(types, value);
  return products < PRODUCTS_A_VALUE * values;
}

function countOf(types: Types, value: string): number {
  const dims = types
    .get(value)
    ?.shape?.map((dim, axis) => (typeof dim === 'number' ? dim : axis === 0 ? 1 : Number.NaN));
  return dims === undefined ? Number.NaN : elementCount(dims);
}
