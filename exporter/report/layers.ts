import { usedCodes } from '../../compression/clustering/cluster.ts';
import { bitsPerCode } from '../../compression/clustering/priced-codes.ts';
import { type Layer, weightCount } from '../../compression/layers.ts';
import type { QuantizedModel } from '../pipeline/quantize-by-plan.ts';
import type { DecidedWeights } from '../quantize/choose-weights.ts';
import { weightForm } from '../quantize/codebook.ts';
import { storedCodes } from '../quantize/qdq.ts';
import { distinctValues } from '../verify/distinct-weights.ts';
import type { LayerErrors } from '../verify/layer-errors.ts';
import { bytes, decibels, EXACT, escaped, integer, named, section, shortened, table } from './html.ts';
import { across, itemNumbers, key, linearAxis, PLOT_HEIGHT, plot, px, yOf } from './plot.ts';
import { DRAWN } from './style.ts';
import { histogramCard } from './weight-histogram.ts';

/** One convolution or matrix product as the report shows it. */
interface Row {
  /** In the order of the network, from 1. */
  readonly number: number;
  readonly layer: Layer;
  readonly decided: DecidedWeights | undefined;
  /** Of the layer's output in the whole compressed network, dB. */
  readonly measured: number | undefined;
}

/** Error by layer, histograms with the clusters, and the table of all layers. */
export function layerSections({ layers, weights }: QuantizedModel, errors: LayerErrors): string {
  const all = layers.map(
    (layer, i): Row => ({
      number: i + 1,
      layer,
      decided: weights.get(layer.node.name),
      measured: errors.decibels.get(layer.node.name),
    }),
  );
  const rows = drawn(all);
  const cut = rows.length === all.length ? '' : ` Drawn are the ${DRAWN} of ${all.length} layers with the most error.`;
  return [
    section({ id: 'error', title: 'Error after quantization', body: errorChart(rows, errors.images, cut) }),
    section({ id: 'histograms', title: 'Weights and their clusters', body: histograms(rows, cut) }),
    section({ id: 'layers', title: 'Layers', body: layerTable(rows, cut) }),
  ].join('\n');
}

/** All, or those with the most error, in the order of the network. */
function drawn(rows: readonly Row[]): readonly Row[] {
  if (rows.length <= DRAWN) return rows;
  const quality = ({ measured, decided }: Row): number => measured ?? decided?.snr ?? EXACT;
  return [...rows]
    .sort((a, b) => quality(a) - quality(b))
    .slice(0, DRAWN)
    .sort((a, b) => a.number - b.number);
}

/** Beyond this, differences say nothing about a classifier, and would press the others flat. */
const CEILING = 60;

function errorChart(rows: readonly Row[], images: number, cut: string): string {
  const values = rows
    .flatMap(({ measured, decided }) => [measured, decided?.snr])
    .filter((value) => value !== undefined);
  const y = linearAxis(
    values.map((value) => Math.min(CEILING, value)),
    (tick) => `${tick} dB`,
    0,
  );
  const share = 1 / rows.length;
  const marks = rows.map(({ number, layer, measured, decided }, i) => {
    const parts = [
      ...(measured === undefined ? [] : [`in the network ${decibels(measured)}`]),
      decided === undefined ? 'float' : `its weights alone ${decibels(decided.snr)}`,
    ];
    const top = yOf(y, measured ?? 0);
    const bar = `<rect class="a" x="${across((i + 0.12) * share)}" y="${px(top)}" width="${across(0.76 * share)}" height="${px(PLOT_HEIGHT - top)}"><title>${escaped(`${number} ${shortened(layer.node.name)}: ${parts.join(', ')}`)}</title></rect>`;
    if (decided === undefined) return bar;
    const height = px(yOf(y, decided.snr));
    return `${bar}<line class="mark" x1="${across((i + 0.04) * share)}" x2="${across((i + 0.96) * share)}" y1="${height}" y2="${height}"/>`;
  });
  const worst = [...rows].sort((a, b) => (a.measured ?? EXACT) - (b.measured ?? EXACT)).slice(0, 3);
  const named = worst.map(
    ({ number, layer, measured }) => `${number} ${shortened(layer.node.name)} (${decibels(measured ?? EXACT)})`,
  );
  return plot({
    id: 'error-plot',
    title: 'Signal to quantization noise by layer',
    description: `Decibels by layer for ${rows.length} layers; more is better. Least: ${named.join(', ')}. The table of layers has every value.`,
    y,
    x: itemNumbers(rows.length).map(({ at }) => ({
      at,
      label: String(rows[Math.floor(at * rows.length)]?.number ?? ''),
    })),
    marks: marks.join('\n'),
    caption: `${key('a', 'measured in the compressed network')} ${key('b thin', 'what rounding its own weights costs')}
Signal to quantization noise of each layer\u2019s output, more is better, every 6 dB are one bit; ${CEILING} dB and more are drawn alike. Measured: on ${images} calibration
images in ONNX Runtime, 10 log<sub>10</sub> of \u03a3 y\u00b2 / \u03a3 (y \u2212 \u0177)\u00b2, y from the float model and \u0177 from the compressed one, with what the layers before it add.
The line: estimated from the second moments of the layer\u2019s inputs, everything else in float, of the part of the output that varies.
Most error: ${escaped(named.join(', '))}.${cut}`,
  });
}

function histograms(rows: readonly Row[], cut: string): string {
  const clustered = rows.some(({ decided }) => (decided?.codebooks.length ?? 0) > 0);
  const cards = rows.map(({ layer, decided, number }) => histogramCard(layer, decided, number));
  const lines = clustered
    ? ` ${key('b', 'the codes they became, as high as their share')} A weight is its code times its channel\u2019s scale.`
    : ' Weights were not clustered: they use what they need of the int8 codes.';
  return `<p>${key('pale', 'float weights before rounding, each divided by the scale of its channel')}${lines}${cut}</p>
<div class="cards">${cards.join('\n')}</div>`;
}

function layerTable(rows: readonly Row[], cut: string): string {
  const cells = rows.map(({ number, layer, decided, measured }) => {
    const { node, weights } = layer;
    const common = [named(node.name, number), node.opType, weights.dims.join('\u00d7')];
    const error = measured === undefined ? '' : decibels(measured);
    const before = integer(distinctValues(layer));
    if (decided === undefined) {
      return [...common, before, before, 'float', bytes(weights.bytes.byteLength), '', error, ''];
    }
    const stored = storedCodes(layer, decided);
    const form = weightForm(stored);
    const size = Math.ceil((weightCount(layer) * (form === 'int8' ? 8 : stored.indexBits)) / 8);
    const codes = integer(usedCodes(decided.codes).length);
    const bits = bitsPerCode(decided.codes).toFixed(2);
    return [...common, before, codes, form, bytes(size), bits, error, decibels(decided.snr)];
  });
  return `${table({
    caption: 'Convolutions and matrix products, in the order of the network',
    columns: [
      'Layer',
      { words: 'Operator' },
      { words: 'Weights' },
      'Distinct before',
      'Codes',
      { words: 'Stored as' },
      'Size',
      'Bits',
      'SQNR',
      'Own weights',
    ],
    rows: cells,
  })}
<p>Distinct before: float values before clustering, after pruning and training. Bits: of a weight\u2019s code on its way to a box, by how often each
code occurs in the layer. SQNR: of the layer\u2019s output in the compressed network; own weights: what
rounding this layer\u2019s weights alone costs.${cut}</p>`;
}
