import { Command, Option } from 'commander';
import { WaysideError } from '../../core/errors.ts';
import type { QuantizeFileResult } from '../../exporter/commands/quantize-file.ts';
import type { QuantizeUnlabelledResult } from '../../exporter/commands/quantize-unlabelled.ts';
import type { FusionReport } from '../../exporter/quantize/fusion.ts';
import type { HeadName } from '../../inference/heads/head.ts';
import { bytes, count } from '../format.ts';
import { decimal } from '../options/common.ts';
import { headOption } from '../options/head.ts';
import { type QuantizingOptions, quantizingOptions } from '../options/quantizing.ts';
import { calibrationOption, type StageOptions, stageOptions } from '../options/stage.ts';
import { type Context, running } from '../running.ts';
import { stageTable } from '../stage-table.ts';

interface QuantizeOptions extends StageOptions, QuantizingOptions {
  readonly calibration: number;
  readonly target: string;
  readonly calibrationTable?: string;
  readonly allowFloat?: true;
  readonly allowNoisyLayers?: true;
  readonly unlabelled?: true;
  readonly head?: HeadName;
  readonly tolerance?: number;
}

export function quantizeCommand(): Command {
  const command = new Command('quantize')
    .summary('turn a float ONNX model into an int8 QDQ file')
    .description(
      'Calibrates and quantizes a float ONNX classifier to one int8 file in QDQ form: no package, no clusters. The weights, ranges and ' +
        'checks are those of `wayside compress`. With --unlabelled it may be any model that takes an image, a detector for one: it is ' +
        'judged by how far its predictions on held-out images are from those of the float model.',
    )
    .argument('<model>', 'float ONNX file')
    .addOption(calibrationOption());
  for (const option of [...quantizingOptions(), ...stageOptions()]) command.addOption(option);
  command
    .addOption(
      new Option('--unlabelled', 'the images have no classes; images:DIR is then any folder of them').conflicts([
        'limit',
        'calibrationTable',
        'validation',
      ]),
    )
    .addOption(
      headOption('with its boxes: the model is a detector whose output is read so').conflicts([
        'limit',
        'calibrationTable',
        'validation',
      ]),
    )
    .addOption(
      new Option(
        '--tolerance <share>',
        'with --unlabelled or --head: layers that alone make this share of the predictions noise, or of the boxes wrong, stay in float (default: 0.1, of boxes 0.025)',
      ).argParser(decimal(0, 1)),
    );
  return command.action(running(quantizeModel));
}

async function quantizeModel(context: Context, model: string, options: QuantizeOptions): Promise<void> {
  const { signal, onProgress, note, report } = context;
  if (options.unlabelled === true || options.head !== undefined) {
    const { quantizeUnlabelled } = await import('../../exporter/commands/quantize-unlabelled.ts');
    const result = await quantizeUnlabelled({ ...options, model, signal, onProgress, note });
    report({ document: result, text: unlabelledSummary(result, options.head) });
    return;
  }
  if (options.tolerance !== undefined) {
    throw new WaysideError('USAGE', {
      message: '--tolerance without --unlabelled or --head',
      hint: 'a labelled classifier keeps to --budget: see compress',
    });
  }
  const { quantizeFile } = await import('../../exporter/commands/quantize-file.ts');
  const result = await quantizeFile({ ...options, model, signal, onProgress, note });
  report({ document: result, text: summary(result) });
}

function summary({ model, stages, range, fused }: QuantizeFileResult): string {
  return [stageTable(stages), '', ...layers(fused), `ranges by ${range}`, `written: ${model}`].join('\n');
}

function unlabelledSummary(
  { model, bytes: size, distance, samples, fused }: QuantizeUnlabelledResult,
  head: HeadName | undefined,
): string {
  const what = head === undefined ? 'predictions' : 'boxes';
  const far = `${distance.toPrecision(2)} from the float model's ${what}, on ${count(samples)} held-out images`;
  return [...layers(fused), far, `written: ${model}, ${bytes(size)}`].join('\n');
}

function layers({ quantized, float }: FusionReport): string[] {
  const left = float.length === 0 ? 'none' : float.length;
  return [
    `${quantized} convolutions and matrix products run in int8, ${left} stayed in float`,
    ...float.map(({ name, opType, reason }) => `  ${opType} ${name}: ${reason}`),
  ];
}
