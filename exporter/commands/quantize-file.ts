import type { RangeMethodName } from '../../calibration/ranges/methods.ts';
import { StageLog } from '../../core/stage-log.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import { tableFor } from '../pipeline/calibration-table.ts';
import { measure } from '../pipeline/measure.ts';
import { openAndMeasure, type SourceOptions } from '../pipeline/open-float.ts';
import type { CompressOptions } from '../pipeline/options.ts';
import { produce } from '../pipeline/quantize-by-plan.ts';
import type { StageOutcome } from '../prune-finetune/outcome.ts';
import { sizesOf } from '../prune-finetune/slim.ts';
import { type FusionReport, requireFused, withOptimizedGraph, withPlanned } from '../quantize/fusion.ts';
import { floatLayers } from '../quantize/precision.ts';
import { farFromFloat } from '../verify/doubts.ts';
import { judgeLayers } from '../verify/judge-layers.ts';
import type { NoisyLayer } from '../verify/layer-noise.ts';
import { requireQuantizable, unquantized } from '../verify/unquantized.ts';
import { type FileOptions, floatOutcome, requireFreeFile, writeStage } from './stage-file.ts';

export interface QuantizeFileOptions
  extends SourceOptions,
    FileOptions,
    Pick<
      CompressOptions,
      | 'calibration'
      | 'seed'
      | 'range'
      | 'rounding'
      | 'target'
      | 'equalize'
      | 'threads'
      | 'allowFloat'
      | 'allowNoisyLayers'
      | 'calibrationTable'
    > {}

export interface QuantizeFileResult {
  readonly model: string;
  readonly stages: readonly StageOutcome[];
  /** How the ranges of activations were chosen. */
  readonly range: RangeMethodName;
  readonly fused: FusionReport;
  /** Layers that are mostly noise beside the float model, where that was allowed. */
  readonly noisy: readonly NoisyLayer[];
  /** What makes one doubt the figures. */
  readonly warnings: readonly string[];
}

/**
 * Writes the int8 QDQ model alone: no clusters, no package.
 *
 * @throws {WaysideError} OUTPUT_EXISTS, FILE_WRITE_FAILED; FUSION_INCOMPLETE and LAYERS_NOISY unless allowed; as `openAndMeasure`, `tableFor`
 *   and `produce`
 */
export async function quantizeFile(options: QuantizeFileOptions): Promise<QuantizeFileResult> {
  await requireFreeFile(options);
  const log = new StageLog();
  const opened = await openAndMeasure(options, log, ({ folded }) => requireQuantizable(folded, options));
  const { folded, data, preprocessing, measuring } = opened;
  const table = await tableFor(options, folded, data.train, preprocessing);
  const started = performance.now();
  const produced = await produce(
    folded,
    data.train,
    preprocessing,
    { ...options, table, heldOut: data.validation },
    log,
  );
  const seconds = (performance.now() - started) / 1000;
  const bytes = encodeModel(produced.model);
  return withOptimizedGraph(bytes, async (session, report) => {
    const fused = withPlanned(report, produced.model, floatLayers(produced.widths), unquantized(produced.float));
    if (options.allowFloat !== true) requireFused(fused);
    const { noisy } = await judgeLayers(produced, data.train, preprocessing, options, log);
    const measured = await measure(session, bytes, 'evaluating quantized model', measuring);
    const { top1, samples, latencyMs } = measured;
    const far = farFromFloat(opened.answers, measured.answers);
    if (far !== undefined) options.note?.(`warning: ${far}`);
    await writeStage(produced.model, opened, options.out);
    const outcome = {
      name: 'quantize',
      top1,
      samples,
      latencyMs,
      bytes: bytes.byteLength,
      ...(await sizesOf(folded, preprocessing)),
      seconds,
    };
    const stages = [await floatOutcome(opened), outcome];
    const warnings = [...opened.warnings, ...(far === undefined ? [] : [far])];
    return { model: options.out, stages, range: produced.method, fused, noisy, warnings };
  });
}
