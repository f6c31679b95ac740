import { Command } from 'commander';
import type { PositionRange } from '../../calibration/datasets/ranges.ts';
import type { HeldBack } from '../../compression/pruning/held-back.ts';
import type { GroupSensitivity } from '../../compression/pruning/sensitivity.ts';
import { FIELDS } from '../../exporter/plan/fields.ts';
import { percent } from '../format.ts';
import { dataOption, type PixelOptions, validationOption } from '../options/common.ts';
import { calibrationOption, commonOptions } from '../options/stage.ts';
import { type Context, running } from '../running.ts';
import { table } from '../table.ts';

interface SensitivityOptions extends PixelOptions {
  readonly data: string;
  readonly validation?: readonly PositionRange[];
  readonly calibration: number;
  readonly seed: number;
  readonly threads?: number;
}

export function sensitivityCommand(): Command {
  const command = new Command('sensitivity')
    .summary('measure how far pruning each group of channels moves the predictions')
    .description(
      'Takes a quarter, a half, three quarters of the channels of each group alone, lets the layers that read them make up for it, and ' +
        "measures how far the model's predictions move: divergence (mean Kullback-Leibler, at temperature 4) and the share of images that " +
        'keep their class. Reads no labels, writes no file.',
    )
    .argument('<model>', 'float ONNX file')
    .addOption(dataOption())
    .addOption(validationOption())
    .addOption(calibrationOption(FIELDS.calibration, 'images of the training part to judge by'));
  for (const option of commonOptions()) if (option.attributeName() !== 'force') command.addOption(option);
  return command.action(running(measure));
}

async function measure(context: Context, model: string, options: SensitivityOptions): Promise<void> {
  const { signal, onProgress, note, report } = context;
  const { sensitivityFile } = await import('../../exporter/commands/sensitivity-file.ts');
  const { groups, heldBack } = await sensitivityFile({ ...options, model, signal, onProgress, note });
  report({ document: { model, groups, heldBack }, text: [summary(groups), ...heldBackTable(heldBack)].join('\n\n') });
}

/** The groups as they compete: the one that gives way most easily first. */
function summary(groups: readonly GroupSensitivity[]): string {
  const most = ({ points }: GroupSensitivity): number => points.at(-1)?.divergence ?? Number.POSITIVE_INFINITY;
  const ratios = groups.find(({ points }) => points.length > 0)?.points.map(({ ratio }) => ratio) ?? [];
  const head = ['group', 'channels', ...ratios.flatMap((ratio) => [`without ${100 * ratio} %`, 'kept predictions'])];
  const rows = groups
    .toSorted((a, b) => most(a) - most(b))
    .map(({ name, channels, points }) => [
      name,
      String(channels),
      ...points.flatMap(({ divergence, agreement }) => [divergence.toExponential(1), percent(agreement)]),
    ]);
  return table([head, ...rows], ['left', ...Array<'right'>(head.length - 1).fill('right')]);
}

/** What keeps channels from going at all. */
function heldBackTable(held: readonly HeldBack[]): string[] {
  if (held.length === 0) return [];
  const rows = held.map(({ node, operator, share }) => [node, operator, percent(share)]);
  return [table([['channels cannot pass', 'operator', 'operations held back'], ...rows], ['left', 'left', 'right'])];
}
