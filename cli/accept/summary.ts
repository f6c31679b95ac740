import { percent } from '../format.ts';
import { table } from '../table.ts';
import type { Verdict } from './verdict.ts';

/** A verdict for a person to read. */
export function verdictText({ model, verdict, because, steps, clips }: Verdict): string {
  const rows = steps.map(({ name, status, asked, seen, error, interval }) => [
    status,
    name,
    asked,
    seen,
    error === null ? '-' : percent(error),
    interval === null ? '-' : `${percent(interval.low)} to ${percent(interval.high)}`,
  ]);
  return [
    table([['', 'step', 'asked', 'seen', 'error', '95 %'], ...rows], ['left', 'left', 'left', 'left', 'right', 'left']),
    '',
    `${model.name}: ${verdict}, by ${clips.length} clips: ${because}`,
    ...clips.flatMap(({ name, warnings }) => warnings.map((text) => `warning: ${name}: ${text}`)),
  ].join('\n');
}
