import { Command } from 'commander';
import type { QuantizeFileResult } from '../../exporter/single/quantize-file.ts';
import { quantizingOptions, type RangeName } from '../quantizing-options.ts';
import { type Context, running } from '../running.ts';
import { calibrationOption, type StageOptions, stageOptions } from '../stage-options.ts';
import { stageTable } from '../stage-table.ts';

interface QuantizeOptions extends StageOptions {
  readonly calibration: number;
  readonly range: RangeName;
  readonly target: string;
  readonly calibrationTable?: string;
  readonly allowFloat?: true;
}

export function quantizeCommand(): Command {
  const command = new Command('quantize')
    .summary('turn a float ONNX classifier into an int8 QDQ file')
    .description(
      'Calibrates and quantizes a float ONNX classifier to one int8 file in QDQ form: no package, no clusters. The weights, ranges and ' +
        'checks are those of `wayside compress`.',
    )
    .argument('<model>', 'float ONNX file')
    .addOption(calibrationOption(512, 'pictures of the training part to calibrate on'));
  for (const option of [...quantizingOptions(), ...stageOptions()]) command.addOption(option);
  return command.action(running(quantizeModel));
}

async function quantizeModel(context: Context, model: string, options: QuantizeOptions): Promise<void> {
  const { signal, onProgress, note, report } = context;
  const { quantizeFile } = await import('../../exporter/single/quantize-file.ts');
  const result = await quantizeFile({ ...options, model, signal, onProgress, note });
  report({ document: result, text: summary(result) });
}

function summary({ model, stages, range, fused }: QuantizeFileResult): string {
  const left = fused.float.length;
  return [
    stageTable(stages),
    '',
    `${fused.quantized} convolutions and matrix products run in int8, ${left === 0 ? 'none' : left} stayed in float`,
    ...fused.float.map(({ name, opType, reason }) => `  ${opType} ${name}: ${reason}`),
    `ranges by ${range}`,
    `written: ${model}`,
  ].join('\n');
}
