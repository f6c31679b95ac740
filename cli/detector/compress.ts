import { WaysideError } from '../../core/errors.ts';
import type { CompressDetectorOptions } from '../../exporter/commands/compress-detector.ts';
import type { CompressDetectorResult } from '../../exporter/pipeline/detector-results.ts';
import { bytes, count, milliseconds, percent, ratio } from '../format.ts';
import type { Context } from '../running.ts';
import { table } from '../table.ts';

/** Options of `compress` that want classes of images, by the name they are read under. */
const OF_CLASSIFIERS = {
  validation: '--validation',
  pruneFlops: '--prune-flops',
  pruneParams: '--prune-params',
  pruneBytes: '--prune-bytes',
  pruneLatency: '--prune-latency',
  pruneCriterion: '--prune-criterion',
  finetuneEpochs: '--finetune-epochs',
  qatEpochs: '--qat-epochs',
  teacher: '--teacher',
  bitsPerWeight: '--bits-per-weight',
  budget: '--budget',
  plan: '--plan',
  limit: '--limit',
  calibrationTable: '--calibration-table',
} as const;

/** `wayside compress --head`. @throws {WaysideError} USAGE for an option of classifiers; as `compressDetector` */
export async function compressByHead(
  { signal, onProgress, note, report }: Context,
  model: string,
  options: Omit<CompressDetectorOptions, 'model' | 'plan'> & { readonly [K in keyof typeof OF_CLASSIFIERS]?: unknown },
): Promise<void> {
  const refused = Object.entries(OF_CLASSIFIERS).find(
    ([key]) => options[key as keyof typeof OF_CLASSIFIERS] !== undefined,
  );
  if (refused !== undefined)
    throw new WaysideError('USAGE', {
      message: `${refused[1]} does not go with --head: a detector is judged by its boxes, without labels`,
      hint: 'leave one of the two out',
    });
  const { compressDetector } = await import('../../exporter/commands/compress-detector.ts');
  const { plan: _, ...asked } = options;
  const result = await compressDetector({ ...asked, model, signal, onProgress, note });
  report({ document: result, text: summary(result) });
}

function summary({ package: folder, baseline, candidate, agreement, fused }: CompressDetectorResult): string {
  const rows = [
    ['', 'float', 'compressed', 'change'],
    [
      'size',
      bytes(baseline.bytes),
      bytes(candidate.bytes),
      ratio(baseline.bytes, candidate.bytes, 'smaller', 'larger'),
    ],
    [
      'latency',
      milliseconds(baseline.latencyMs),
      milliseconds(candidate.latencyMs),
      ratio(baseline.latencyMs, candidate.latencyMs, 'faster', 'slower'),
    ],
  ];
  const { float, quantized } = fused;
  return [
    table(rows, ['left', 'right', 'right']),
    '',
    ...agreementLines(agreement),
    `${quantized} convolutions and matrix products run in int8, ${float.length === 0 ? 'none' : float.length} stayed in float`,
    ...float.map(({ name, opType, reason }) => `  ${opType} ${name}: ${reason}`),
    `package: ${folder}`,
  ].join('\n');
}

/** Two models' boxes beside each other. */
export const agreementLines = ({
  f1,
  recall,
  precision,
  iou,
  expected,
  images,
}: CompressDetectorResult['agreement']): string[] => [
  `boxes agree with the float model's: F1 ${percent(f1)}, mean overlap ${percent(iou)} (score from 0.3 on, overlap of a half)`,
  `  ${percent(recall)} of its ${count(expected)} boxes found, ${percent(precision)} of those found are its own, on ${count(images)} images`,
];
