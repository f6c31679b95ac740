import type { Layer } from '../../compression/layers.ts';
import { intAttribute } from '../../onnx/attributes.ts';
import type { Node, ValueType } from '../../onnx/graph.ts';
import type { GraphIndex } from '../../onnx/topology.ts';

/** A layer that multiplies the channels of another with its weights. */
export interface ChannelReader {
  readonly layer: Layer;
  /** Visits where, in the reader's `[rows, columns]` weights, those lie that one channel of the maker is multiplied with. */
  forEachWeight(channel: number, visit: (at: number) => void): void;
}

/** f(s x) = s f(x) for s > 0, channel by channel. */
const HOMOGENEOUS = new Set([
  'Relu',
  'LeakyRelu',
  'MaxPool',
  'AveragePool',
  'GlobalAveragePool',
  'GlobalMaxPool',
  'Identity',
  'Dropout',
]);

/** What is known of the graph. */
export interface Known {
  readonly index: GraphIndex;
  readonly types: ReadonlyMap<string, ValueType>;
}

/** Where a maker's channels are on their way to a reader. */
interface Place {
  readonly value: string;
  /** Channels of others before the maker's own. */
  readonly offset: number;
  /** Values in a row that one channel has become: 1 until it is flattened. */
  readonly spread: number;
}

/**
 * Who reads the output channels of a layer, all of them through operators that a positive factor passes unchanged.
 *
 * @param layers those whose weights may be changed
 * @returns undefined where anything else reads a channel too, or the graph hands it out
 */
export function readersOf(
  layers: ReadonlyMap<Node, Layer>,
  maker: Layer,
  { index, types }: Known,
): ChannelReader[] | undefined {
  if (maker.window === undefined && !isMatrix(types, maker.output)) return undefined;
  const readers: ChannelReader[] = [];
  const open: Place[] = [{ value: maker.output, offset: 0, spread: 1 }];
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    if (index.isOutput(place.value)) return undefined;
    for (const node of index.consumers(place.value)) {
      const layer = layers.get(node);
      if (layer !== undefined) {
        const data = node.inputs.lastIndexOf(place.value) === 0;
        // A matrix product over `[N, C, H, W]` multiplies along W, not along the channels.
        const along = layer.window === undefined ? isMatrix(types, place.value) : place.spread === 1;
        const reader = data && along ? readerOf(layer, place, maker.rows) : undefined;
        if (reader === undefined) return undefined;
        readers.push(reader);
        continue;
      }
      const next = throughNode(node, place, types);
      if (next === undefined) return undefined;
      open.push(...next);
    }
  }
  return readers;
}

const isMatrix = (types: ReadonlyMap<string, ValueType>, value: string): boolean =>
  types.get(value)?.shape?.length === 2;

function throughNode(node: Node, place: Place, types: ReadonlyMap<string, ValueType>): readonly Place[] | undefined {
  const [output = ''] = node.outputs;
  if (node.domain !== '' || node.outputs.length !== 1) return undefined;
  if (HOMOGENEOUS.has(node.opType)) return [{ ...place, value: output }];
  const shapeOf = (value: string): readonly (number | string | null)[] => types.get(value)?.shape ?? [];
  if (node.opType === 'Flatten') {
    const [, , ...spatial] = shapeOf(place.value);
    if (intAttribute(node, 'axis', 1) !== 1 || place.spread !== 1) return undefined;
    const spread = spatial.reduce<number>((product, dim) => (typeof dim === 'number' ? product * dim : Number.NaN), 1);
    return Number.isNaN(spread) ? undefined : [{ ...place, value: output, spread }];
  }
  if (node.opType !== 'Concat' || intAttribute(node, 'axis', undefined) !== 1 || place.spread !== 1) return undefined;
  const places: Place[] = [];
  let offset = place.offset;
  for (const input of node.inputs) {
    const channels = shapeOf(input)[1];
    if (input === place.value) places.push({ value: output, offset, spread: 1 });
    if (typeof channels !== 'number') return undefined;
    offset += channels;
  }
  return places;
}

function readerOf(layer: Layer, { offset, spread }: Place, channels: number): ChannelReader | undefined {
  const { rows, columns, groups, window } = layer;
  const area = window === undefined ? spread : window.kernel[0] * window.kernel[1];
  const perGroup = columns / area;
  if ((offset + channels) * area > columns * groups) return undefined;
  const rowsPerGroup = rows / groups;
  const forEachWeight = (channel: number, visit: (at: number) => void): void => {
    const input = offset + channel;
    const group = Math.floor(input / perGroup);
    const first = (input % perGroup) * area;
    for (let row = group * rowsPerGroup; row < (group + 1) * rowsPerGroup; row++) {
      for (let i = 0; i < area; i++) visit(row * columns + first + i);
    }
  };
  return { layer, forEachWeight };
}
