import { boxAgreement } from '../../calibration/detection/agreement.ts';
import { VERSION } from '../../core/layout.ts';
import type { StageEntry } from '../../core/run/stage-log.ts';
import type { Detection } from '../../inference/heads/detection.ts';
import { RUNTIME_VERSION } from '../../inference/runtime.ts';
import type { CompressDetectorResult } from '../pipeline/detector-results.ts';
import type { QuantizedModel } from '../pipeline/quantize-by-plan.ts';
import type { LayerErrors } from '../verify/layer-errors.ts';
import { bytes, escaped, integer, milliseconds, percent, ratio, section, table } from './html.ts';
import { layerSections } from './layers.ts';
import { htmlPage, timeSection } from './page.ts';

interface DetectorReport {
  readonly name: string;
  readonly result: CompressDetectorResult;
  readonly quantized: QuantizedModel;
  readonly errors: LayerErrors;
  /** Name of the data set. */
  readonly data: string;
  readonly labels: readonly string[];
  readonly stages: readonly StageEntry[];
  /** Boxes of the float and of the int8 model, `[images][boxes]`. */
  readonly expected: readonly (readonly Detection[])[];
  readonly found: readonly (readonly Detection[])[];
}

/** The page of a detector's package: whether it finds what the float model does, which classes lost, what stayed in float. */
export function detectorReport(input: DetectorReport): string {
  const { name, result, quantized, labels, stages, expected, found } = input;
  const { agreement, baseline, candidate, warnings } = result;
  const tile = (title: string, now: string, was: string): string =>
    `<div><dt>${escaped(title)}</dt><dd class="big">${escaped(now)}</dd><dd class="was">${escaped(was)}</dd></div>`;
  const tiles = [
    tile(
      'Boxes agree (F1)',
      percent(agreement.f1),
      `${integer(agreement.expected)} boxes in ${integer(agreement.images)} images`,
    ),
    tile('Overlap of the pairs', percent(agreement.iou), 'mean IoU'),
    tile('Size', bytes(candidate.bytes), `was ${bytes(baseline.bytes)}`),
    tile('Latency', milliseconds(candidate.latencyMs), `was ${milliseconds(baseline.latencyMs)}`),
  ];
  const lead =
    `${percent(agreement.recall)} of the float model's boxes are found, ${percent(agreement.precision)} of its own are the float model's; ` +
    `${ratio(baseline.bytes / candidate.bytes)} times smaller.`;
  const made = `Made by Wayside ${VERSION}, measured in ONNX Runtime ${RUNTIME_VERSION} on images of ${input.data} that nothing was calibrated on. Boxes count from a score of 0.3 on, and are the same where they are of one class and overlap by a half.`;
  const alerts = warnings.map((text) => `<p role="alert"><strong>Warning:</strong> ${escaped(text)}.</p>\n`).join('');
  const header = `<p class="lead">${escaped(lead)}</p>\n${alerts}<dl class="tiles">${tiles.join('\n')}</dl>\n<p>${escaped(made)}</p>`;
  const body = [
    section({ id: 'classes', title: 'Classes', body: classTable(labels, expected, found) }),
    section({ id: 'float', title: 'Left in float', body: floatTable(result, quantized) }),
    layerSections(quantized, input.errors),
    timeSection(stages),
  ].join('\n');
  return htmlPage(name, header, body);
}

/** Those that either model found. */
function classTable(
  labels: readonly string[],
  expected: DetectorReport['expected'],
  found: DetectorReport['found'],
): string {
  const of = (boxes: DetectorReport['found'], index: number) =>
    boxes.map((all) => all.filter(({ classIndex }) => classIndex === index));
  const rows = labels.flatMap((label, index) => {
    const agreement = boxAgreement(of(expected, index), of(found, index));
    if (agreement.expected + agreement.found === 0) return [];
    return [
      [label, integer(agreement.expected), integer(agreement.found), percent(agreement.f1), percent(agreement.iou)],
    ];
  });
  const columns = ['class', 'float', 'int8', 'F1', 'mean IoU'];
  return table({ caption: 'Boxes of each class, and how many of them both models found', columns, rows });
}

function floatTable({ fused }: CompressDetectorResult, { plan }: QuantizedModel): string {
  const rows = fused.float.map(({ name, opType, reason }) => [name, opType, reason]);
  const said = `<p>${integer(fused.quantized)} convolutions and matrix products run in int8, ranges by ${escaped(plan.range)}, codes for ${escaped(plan.target)}.</p>`;
  if (rows.length === 0) return `${said}<p>None stayed in float.</p>`;
  return (
    said +
    table({
      caption: 'Layers that stayed in float',
      columns: ['layer', { words: 'operator' }, { words: 'reason' }],
      rows,
    })
  );
}
