import { Command, Option } from 'commander';
import type { ReconstructFileResult } from '../../exporter/commands/reconstruct-file.ts';
import { FIELDS } from '../../exporter/plan/fields.ts';
import { calibrationOption, type StageOptions, stageOptions } from '../options/stage.ts';
import { type Context, running } from '../running.ts';
import { stageTable } from '../stage-table.ts';

interface ReconstructOptions extends StageOptions {
  readonly original: string;
  readonly calibration: number;
}

export function reconstructCommand(): Command {
  const command = new Command('reconstruct')
    .summary('solve the layers of a pruned model anew')
    .description(
      'Solves each layer of a model that `wayside prune --no-reconstruct` wrote by least squares, so that it gives what the ' +
        "original's layer gave. No labels, no training. `wayside prune` does this by itself unless told otherwise.",
    )
    .argument('<model>', 'pruned ONNX file, as wayside prune wrote it')
    .addOption(new Option('--original <file>', 'the ONNX file that was pruned').makeOptionMandatory())
    .addOption(calibrationOption(FIELDS.prune.pictures, 'images of the training part to solve on'));
  for (const option of stageOptions()) command.addOption(option);
  return command.action(running(reconstructModel));
}

async function reconstructModel(context: Context, model: string, options: ReconstructOptions): Promise<void> {
  const { signal, onProgress, note, report } = context;
  const { reconstructFile } = await import('../../exporter/commands/reconstruct-file.ts');
  context.keeps(`${options.out}.work`);
  const result = await reconstructFile({ ...options, model, signal, onProgress, note });
  report({ document: result, text: summary(result) });
}

const summary = ({ model, stages, layers }: ReconstructFileResult): string =>
  [stageTable(stages), '', `${layers.length} layers solved anew`, `written: ${model}`].join('\n');
