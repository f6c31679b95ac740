import { percent } from '../format.ts';
import { table } from '../table.ts';
import type { CountAccuracy } from './accuracy.ts';
import type { CountDocument } from './document.ts';

const seconds = (value: number): string => `${value.toFixed(1)} s`;

/** A count for a person to read. */
export function countSummary({
  intervals,
  crossings,
  frames,
  seconds: length,
  accuracy,
  warnings,
}: CountDocument): string {
  const rows = intervals.flatMap(({ from, to, coverage, counts }) =>
    counts.map((each) => [
      `${seconds(from)} to ${seconds(Math.min(to, length))}`,
      each.line,
      each.direction,
      each.class,
      String(each.count),
      percent(coverage),
    ]),
  );
  const counted =
    rows.length === 0
      ? ['nothing crossed a line']
      : [
          table(
            [['interval', 'line', 'direction', 'class', 'count', 'seen'], ...rows],
            ['left', 'left', 'left', 'left', 'right', 'right'],
          ),
        ];
  return [
    ...counted,
    '',
    `${crossings.length} crossings in ${seconds(length)}, ${frames} frames looked at`,
    ...warnings.map((text) => `warning: ${text}`),
    ...(accuracy === null ? [] : ['', accuracyText(accuracy)]),
  ].join('\n');
}

function accuracyText(found: CountAccuracy): string {
  const { missedShare, error } = found;
  const flows = found.flows.map(({ line, direction, class: name, truth, counted, geh, nwRmse }) => [
    line,
    direction,
    name,
    String(truth),
    String(counted),
    geh === null ? '-' : geh.toFixed(1),
    nwRmse === null ? '-' : nwRmse.toFixed(2),
  ]);
  const missed = missedShare === null ? '' : ` (95 %: ${percent(missedShare.low)} to ${percent(missedShare.high)})`;
  return [
    table(
      [['line', 'direction', 'class', 'by hand', 'counted', 'GEH', 'nwRMSE'], ...flows],
      ['left', 'left', 'left', 'right', 'right', 'right', 'right'],
    ),
    '',
    `by hand ${found.truth} and ${found.contested} contested: ${found.missed} missed${missed}, ${found.false} false, ${found.wrongClass} in another class` +
      (error === null ? '' : `; missed and false ${percent(error)}`),
  ].join('\n');
}
