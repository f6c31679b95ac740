import type { Option } from 'commander';
import { FIELDS, GOALS } from '../../exporter/plan/fields.ts';
import { numberOption, openChoiceOption } from './plan.ts';

/**
 * One option a goal. One removal of channels reaches all that are given; latency, which is searched for, goes alone.
 *
 * @param prefix before the goal's name, as in `prune-` for `--prune-flops`
 */
export function goalOptions(prefix: string): Option[] {
  const options = Object.entries(GOALS).map(([goal, field]) => numberOption(`--${prefix}${goal} <share>`, field));
  const [latency, others] = [options.at(-1)!, options.slice(0, -1)];
  for (const option of others) option.conflicts(latency.attributeName());
  return options;
}

/** @param name of the option, without dashes before it */
export const criterionOption = (name: string): Option => openChoiceOption(`--${name} <name>`, FIELDS.prune.criterion);
