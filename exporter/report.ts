import { weightForm } from './codebook.ts';
import type { CompressResult } from './options.ts';
import type { Produced } from './produce.ts';
import { storedCodes } from './qdq.ts';
import { barChart } from './report-chart.ts';
import { bytes, escaped, integer, milliseconds, percent, table } from './report-parts.ts';
import { slimSections } from './report-slim.ts';
import { REPORT_STYLE } from './report-style.ts';
import type { PruneRecord } from './slim/outcome.ts';
import type { StageEntry } from './stages.ts';

export interface ReportInput {
  readonly name: string;
  readonly result: CompressResult;
  readonly produced: Produced;
  readonly stages: readonly StageEntry[];
  readonly pruning: PruneRecord | undefined;
}

/** One HTML page that needs nothing else, no network either: what each stage cost and bought. */
export function renderReport(input: ReportInput): string {
  const { name, result, produced } = input;
  const { float, quantized } = result.fused;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(name)}: compression report</title><style>${REPORT_STYLE}</style></head><body><main>
<h1>${escaped(name)}</h1>
${figures(result)}
${slimSections(result.stages, input.pruning)}
<p>${quantized} convolutions and matrix products run in int8, ${float.length === 0 ? 'none' : float.length} in float.
Measured in ONNX Runtime on ${integer(result.candidate.samples)} pictures; latency of one picture on one thread.</p>
${
  float.length === 0
    ? ''
    : table(
        ['Float layer', 'Operator', 'Reason'],
        float.map((l) => [l.name, l.opType, l.reason]),
      )
}
<h2>Decisions</h2>
${decisions(produced)}
<h2>Signal to quantization noise by layer</h2>
${barChart(
  produced.layers.map((layer) => ({ label: layer.node.name, value: produced.weights.get(layer.node.name)?.snr ?? 0 })),
  'dB',
)}
<p>Of the layer's output, from the second moments of its inputs. Every 6 dB are one bit.</p>
<h2>Layers</h2>
${layers(produced)}
<h2>Time</h2>
${table(
  ['Stage', 'Time'],
  input.stages.map((stage) => [stage.name, `${(stage.milliseconds / 1000).toFixed(2)} s`]),
)}
</main></body></html>
`;
}

function figures({ baseline, candidate, uniqueWeights }: CompressResult): string {
  const points = 100 * (candidate.top1 - baseline.top1);
  const times = (before: number, after: number): string => `${(before / after).toFixed(2)}x`;
  return table(
    ['', 'Float', 'Compressed', 'Change'],
    [
      [
        'Top-1',
        percent(baseline.top1),
        percent(candidate.top1),
        `${points >= 0 ? '+' : ''}${points.toFixed(2)} points`,
      ],
      ['Size', bytes(baseline.bytes), bytes(candidate.bytes), `${times(baseline.bytes, candidate.bytes)} smaller`],
      [
        'Latency',
        milliseconds(baseline.latencyMs),
        milliseconds(candidate.latencyMs),
        `${times(baseline.latencyMs, candidate.latencyMs)} faster`,
      ],
      [
        'Distinct weights',
        integer(uniqueWeights.before),
        integer(uniqueWeights.after),
        'summed over layers; int8 codes after',
      ],
    ],
  );
}

function decisions({ plan, method, divergence }: Produced): string {
  const tried = Object.entries(divergence).map(([name, value]) => `${name} ${value.toExponential(2)}`);
  return table(
    ['Decision', 'Value'],
    [
      ['Target', plan.target],
      ['Calibration', `${plan.calibration.samples} pictures, seed ${plan.seed}`],
      [
        'Activation ranges',
        tried.length === 0 ? method : `${method} (divergence from the float answers: ${tried.join(', ')})`,
      ],
    ],
  );
}

function layers({ layers: all, weights }: Produced): string {
  const rows = all.map((layer) => {
    const decided = weights.get(layer.node.name);
    if (decided === undefined) {
      const { weights: kept, node } = layer;
      return [node.name, node.opType, kept.dims.join(' x '), '', 'float', bytes(kept.bytes.byteLength), ''];
    }
    const stored = storedCodes(layer, decided);
    const form = weightForm(stored);
    const bits = form === 'int8' ? 8 : stored.indexBits;
    const codes = new Set(decided.codes).size;
    const size = Math.ceil((stored.codes.length * bits) / 8);
    return [
      layer.node.name,
      layer.node.opType,
      layer.weights.dims.join(' x '),
      codes,
      form,
      bytes(size),
      `${decided.snr.toFixed(1)} dB`,
    ];
  });
  return table(['Layer', 'Operator', 'Weights', 'Codes', 'Stored as', 'Size', 'SNR'], rows);
}
