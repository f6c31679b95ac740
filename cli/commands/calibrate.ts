import { Command } from 'commander';
import type { PositionRange } from '../../calibration/datasets/ranges.ts';
import type { CalibrationTable } from '../../calibration/table.ts';
import { count } from '../format.ts';
import { dataOption, type PixelOptions, validationOption } from '../options/common.ts';
import { calibrationOption, commonOptions, outOption } from '../options/stage.ts';
import { type Context, running } from '../running.ts';
import { table } from '../table.ts';

interface CalibrateOptions extends PixelOptions {
  readonly data: string;
  readonly validation?: readonly PositionRange[];
  readonly out: string;
  readonly calibration: number;
  readonly seed: number;
  readonly threads?: number;
  readonly force?: true;
}

export function calibrateCommand(): Command {
  const command = new Command('calibrate')
    .summary('observe the activations of a float ONNX classifier')
    .description(
      'Observes what runs through a float model on images of the training part, and writes the ranges that every method gives each ' +
        'value as a JSON file. `wayside compress` and `wayside quantize` take it with --calibration-table, with the same result as ' +
        'without it, and refuse it for another model or other images.',
    )
    .argument('<model>', 'float ONNX file')
    .addOption(dataOption())
    .addOption(validationOption())
    .addOption(outOption('calibration table to write, JSON'))
    .addOption(calibrationOption());
  for (const option of commonOptions()) command.addOption(option);
  return command.action(running(calibrateModel));
}

async function calibrateModel(context: Context, model: string, options: CalibrateOptions): Promise<void> {
  const { signal, onProgress, note, report } = context;
  const { calibrateFile } = await import('../../exporter/commands/calibrate-file.ts');
  const found = await calibrateFile({ ...options, model, signal, onProgress, note });
  const { model: digest, data, equalized, values } = found;
  const document = { table: options.out, model: digest, data, equalized, values: Object.keys(values).length };
  report({ document, text: summary(found, options.out) });
}

const summary = ({ model, data, equalized, values }: CalibrationTable, out: string): string =>
  table([
    ['values', count(Object.keys(values).length)],
    ['images', `${count(data.samples)} of ${data.name}, seed ${data.seed}`],
    ['model', `${model}${equalized ? ', equalized' : ''}`],
    ['written', out],
  ]);
