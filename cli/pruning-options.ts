import { Option } from 'commander';
import { CRITERIA } from '../exporter/prune-finetune/criteria.ts';
import { decimal } from './options.ts';

const GOALS = {
  flops: 'multiplications and additions',
  params: 'weights',
  bytes: 'bytes of the float file',
  latency: 'time of one picture on this machine',
} as const;

export type Goal = keyof typeof GOALS;

/**
 * One option a goal. One removal of channels reaches all that are given; latency, which is searched for, goes alone.
 *
 * @param prefix before the goal's name, as in `prune-` for `--prune-flops`
 */
export function goalOptions(prefix: string): Option[] {
  const options = Object.entries(GOALS).map(([goal, what]) =>
    new Option(`--${prefix}${goal} <share>`, `share of the ${what} to remove, 0 to 0.95`).argParser(decimal(0, 0.95)),
  );
  const [latency, others] = [options.at(-1)!, options.slice(0, -1)];
  for (const option of others) option.conflicts(latency.attributeName());
  return options;
}

/** @param name of the option, without dashes before it */
export const criterionOption = (name: string): Option =>
  new Option(
    `--${name} <name>`,
    'what decides which channels go: damage to the layers that read them (no labels), size of weights, or taylor, by gradients on labelled pictures (default: damage)',
  ).choices(CRITERIA);
