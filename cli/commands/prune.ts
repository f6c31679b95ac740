import { Command, InvalidArgumentError, Option } from 'commander';
import type { CriterionName } from '../../compression/pruning/criteria/registry.ts';
import { WaysideError } from '../../core/errors.ts';
import type { PruneFileResult } from '../../exporter/commands/prune-file.ts';
import { FIELDS, type Goal } from '../../exporter/plan/fields.ts';
import { count } from '../format.ts';
import { numberOption } from '../options/plan.ts';
import { criterionOption, goalOptions } from '../options/pruning.ts';
import { calibrationOption, type StageOptions, stageOptions } from '../options/stage.ts';
import { type Context, running } from '../running.ts';
import { stageTable } from '../stage-table.ts';

interface PruneOptions extends StageOptions, Partial<Record<Goal, number>> {
  readonly criterion?: CriterionName;
  readonly calibration: number;
  readonly floor: number;
  readonly multiple: number;
  readonly freeze?: readonly string[];
  readonly reconstruct: boolean;
}

export function pruneCommand(): Command {
  const command = new Command('prune')
    .summary('remove channels from a float ONNX classifier')
    .description(
      'Removes whole channels until a goal is reached and, without labels, solves the layers anew so that the model answers as before. ' +
        'Writes a smaller float ONNX file with its normalisations folded in, as `wayside compress` makes it on the way.',
    )
    .argument('<model>', 'float ONNX file');
  for (const option of [...goalOptions(''), ...stageOptions()]) command.addOption(option);
  command
    .addOption(criterionOption('criterion'))
    .addOption(calibrationOption(FIELDS.prune.pictures))
    .addOption(numberOption('--floor <share>', FIELDS.prune.floor))
    .addOption(numberOption('--multiple <n>', FIELDS.prune.multiple))
    .addOption(
      new Option(
        '--freeze <names...>',
        'groups to leave whole, by their name or that of a weight: see sensitivity',
      ).argParser(names),
    )
    .addOption(new Option('--no-reconstruct', 'leave the weights as they were: see reconstruct'));
  return command.action(running(pruneModel));
}

function names(text: string, before: readonly string[] = []): readonly string[] {
  if (text === '') throw new InvalidArgumentError('It must be a name.');
  return [...before, text];
}

async function pruneModel(context: Context, model: string, options: PruneOptions): Promise<void> {
  const { flops, params, bytes, latency, criterion, calibration, floor, multiple, ...rest } = options;
  if ([flops, params, bytes, latency].every((goal) => goal === undefined || goal === 0)) {
    throw new WaysideError('USAGE', {
      message: 'no goal to prune to',
      hint: 'give one of --flops, --params, --bytes and --latency, such as --flops 0.5',
    });
  }
  const { signal, onProgress, note, report } = context;
  const { pruneFile } = await import('../../exporter/commands/prune-file.ts');
  context.keeps(`${options.out}.work`);
  const result = await pruneFile({
    ...rest,
    model,
    pruneFlops: flops,
    pruneParams: params,
    pruneBytes: bytes,
    pruneLatency: latency,
    pruneCriterion: criterion,
    pruneImages: calibration,
    pruneFloor: floor,
    pruneMultiple: multiple,
    signal,
    onProgress,
    note,
  });
  report({ document: result, text: summary(result) });
}

function summary({ model, stages, groups }: PruneFileResult): string {
  const sum = (of: 'before' | 'after'): string => count(groups.reduce((total, group) => total + group[of], 0));
  const whole = groups.filter(({ before, after }) => before === after).length;
  return [
    stageTable(stages),
    '',
    `${sum('after')} of ${sum('before')} channels kept, in ${groups.length} groups, ${whole} of them whole`,
    `written: ${model}`,
  ].join('\n');
}
