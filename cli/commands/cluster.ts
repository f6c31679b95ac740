import { Command } from 'commander';
import type { ClusterFileResult } from '../../exporter/commands/cluster-file.ts';
import { FIELDS } from '../../exporter/plan/fields.ts';
import { count } from '../format.ts';
import { dataOption, validationOption } from '../options/common.ts';
import { numberOption } from '../options/plan.ts';
import { calibrationOption, commonOptions, limitOption, outOption, type StageOptions } from '../options/stage.ts';
import { type Context, running } from '../running.ts';
import { stageTable } from '../stage-table.ts';
import { table } from '../table.ts';

interface ClusterOptions extends Omit<StageOptions, 'data'> {
  readonly data?: string;
  readonly clusters: number;
  readonly calibration: number;
}

export function clusterCommand(): Command {
  const data = dataOption().makeOptionMandatory(false);
  data.description += '; weights then count by what they are multiplied with, and the result is measured';
  const command = new Command('cluster')
    .summary('let the weights of each layer take few values, in float')
    .description(
      'Replaces the weights of each convolution and matrix product by at most so many different values, by exact k-means. The file ' +
        'stays float and as large as it was, for those who deploy float and pack it. For int8 with codebooks: ' +
        '`wayside compress --clusters`, which is more accurate with the same number.',
    )
    .argument('<model>', 'float ONNX file')
    .addOption(numberOption('--clusters <k>', FIELDS.clusters).makeOptionMandatory())
    .addOption(outOption())
    .addOption(data)
    .addOption(validationOption())
    .addOption(calibrationOption(FIELDS.calibration, 'images of the training part to weigh by'))
    .addOption(limitOption());
  for (const option of commonOptions()) command.addOption(option);
  return command.action(running(clusterModel));
}

async function clusterModel(context: Context, model: string, options: ClusterOptions): Promise<void> {
  const { signal, onProgress, note, report } = context;
  const { clusterFile } = await import('../../exporter/commands/cluster-file.ts');
  context.keeps(`${options.out}.work`);
  const result = await clusterFile({ ...options, model, signal, onProgress, note });
  report({ document: result, text: summary(result) });
}

function summary({ model, layers, stages }: ClusterFileResult): string {
  const head = ['layer', 'weights', 'distinct', 'now', 'error'];
  const rows = layers.map(({ name, weights, before, after, error }) => [
    name,
    count(weights),
    count(before),
    count(after),
    `${(100 * error).toFixed(2)} %`,
  ]);
  return [
    table([head, ...rows], ['left', 'right', 'right', 'right', 'right']),
    '',
    ...(stages === undefined ? [] : [stageTable(stages), '']),
    `written: ${model}`,
  ].join('\n');
}
