import type { Layer } from '../../compression/layers.ts';
import { propagate } from '../../compression/pruning/channels/propagate.ts';
import { onImages, passThrough } from '../../compression/pruning/channels/rules/elementwise.ts';
import { reshape } from '../../compression/pruning/channels/rules/layout.ts';
import { type ChannelRule, channelsAlong, input, output } from '../../compression/pruning/channels/rules/rule.ts';
import { concat } from '../../compression/pruning/channels/rules/selection.ts';
import { intAttribute } from '../../onnx/attributes.ts';
import type { Model, Node } from '../../onnx/graph.ts';

/** A layer that multiplies the channels of another with its weights. */
export interface ChannelReader {
  readonly layer: Layer;
  /** Visits where, in the reader's `[rows, columns]` weights, those lie that one channel of the maker is multiplied with. */
  forEachWeight(channel: number, visit: (at: number) => void): void;
}

/** f(s x) = s f(x) for s > 0, channel by channel. */
const HOMOGENEOUS: readonly (readonly [string, ChannelRule])[] = [
  ['Relu', passThrough],
  ['LeakyRelu', passThrough],
  ['Identity', passThrough],
  ['Dropout', passThrough],
  ['MaxPool', onImages],
  ['AveragePool', onImages],
  ['GlobalAveragePool', onImages],
  ['GlobalMaxPool', onImages],
  ['Flatten', reshape],
  // Along other axes the channels of all that is joined would become one.
  ['Concat', (step) => intAttribute(step.node, 'axis', undefined) === 1 && concat(step)],
];

/** What a layer's weights are multiplied with and what they make: channels by their ids, in the order of the weights. */
interface Ends {
  readonly layer: Layer;
  readonly read: readonly number[];
  readonly made: readonly number[];
}

/**
 * Who reads the output channels of each layer, all of them through operators that a positive factor passes unchanged.
 *
 * @param layers those whose weights may be changed
 * @returns nothing of a layer whose channels anything else reads too, or the graph hands out
 */
export function readersOf(
  model: Model,
  layers: ReadonlyMap<Node, Layer>,
): ReadonlyMap<Layer, readonly ChannelReader[]> {
  const ends: Ends[] = [];
  /** Its own channels on both sides, a depthwise convolution's too: they are scaled by different factors. */
  const layerRule: ChannelRule = (step) => {
    const { node, channels } = step;
    const layer = layers.get(node);
    if (layer === undefined) return false;
    // A matrix product over `[N, C, H, W]` multiplies along W, not along the channels.
    if (layer.window === undefined && step.shape(input(step, 0))?.length !== 2) return false;
    const area = layer.window === undefined ? 1 : layer.window.kernel[0] * layer.window.kernel[1];
    const read = channelsAlong(step, input(step, 0), 1, (layer.columns / area) * layer.groups);
    const made = channels.fresh(layer.rows);
    channels.set(output(step), { axis: 1, ids: made });
    ends.push({ layer, read, made });
    return true;
  };
  const rules = new Map([...HOMOGENEOUS, ...['Conv', 'Gemm', 'MatMul'].map((opType) => [opType, layerRule] as const)]);
  const frozen = propagate(model, rules).channels.frozenRoots();
  const found = new Map<Layer, readonly ChannelReader[]>();
  for (const { layer, made } of ends) {
    if (made.some((id) => frozen.has(id))) continue;
    const own = new Set(made);
    const readers = ends.filter(({ read }) => read.some((id) => own.has(id)));
    found.set(
      layer,
      readers.map((reader) => readerOf(reader, made)),
    );
  }
  return found;
}

function readerOf({ layer, read }: Ends, made: readonly number[]): ChannelReader {
  const { rows, columns, groups, window } = layer;
  const area = window === undefined ? 1 : window.kernel[0] * window.kernel[1];
  const perGroup = columns / area;
  const rowsPerGroup = rows / groups;
  const places = new Map<number, number[]>();
  for (const [place, id] of read.entries()) places.set(id, [...(places.get(id) ?? []), place]);
  const forEachWeight = (channel: number, visit: (at: number) => void): void => {
    for (const place of places.get(made[channel]!) ?? []) {
      const group = Math.floor(place / perGroup);
      const first = (place % perGroup) * area;
      for (let row = group * rowsPerGroup; row < (group + 1) * rowsPerGroup; row++) {
        for (let i = 0; i < area; i++) visit(row * columns + first + i);
      }
    }
  };
  return { layer, forEachWeight };
}
