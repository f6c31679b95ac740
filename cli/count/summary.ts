import type { MissEstimate } from '../../daemon/audit/miss-watch.ts';
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
  missRate,
  flows,
  events,
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
    ...speedTable(flows),
    ...eventTable(events),
    '',
    `${crossings.length} crossings in ${seconds(length)}, ${frames} frames looked at`,
    ...(missRate === null ? [] : [missText(missRate.all)]),
    ...warnings.map((text) => `warning: ${text}`),
    ...(accuracy === null ? [] : ['', accuracyText(accuracy)]),
  ].join('\n');
}

const missText = ({ missRate, low, high, bound, captured }: MissEstimate): string =>
  `missed, by ${captured} crossings that motion found: ${bound === 'lower' ? 'at least ' : ''}${percent(missRate)} (95 %: ${percent(low)} to ${percent(high)}${bound === 'lower' ? ', and perhaps more' : ''})`;

const kilometresPerHour = (metresPerSecond: number): string => `${(3.6 * metresPerSecond).toFixed(0)} km/h`;

function speedTable(flows: CountDocument['flows']): string[] {
  const rows = flows.flatMap(({ line, lane, direction, speed }) =>
    speed === null
      ? []
      : [
          [
            lane === null ? line : `${line}/${lane}`,
            direction,
            String(speed.measured),
            kilometresPerHour(speed.mean),
            kilometresPerHour(speed.v85),
          ],
        ],
  );
  if (rows.length === 0) return [];
  return [
    '',
    table(
      [['line', 'direction', 'measured', 'mean speed', 'v85'], ...rows],
      ['left', 'left', 'right', 'right', 'right'],
    ),
  ];
}

/** What happened beside crossings, by place and class. */
function eventTable(events: CountDocument['events']): string[] {
  const counts = new Map<string, number>();
  for (const { event, zone, movement, line, class: name } of events) {
    if (event === 'crossing') continue;
    const key = JSON.stringify([event, zone ?? movement ?? line ?? '', name]);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  if (counts.size === 0) return [];
  const rows = [...counts].map(([key, count]) => [...(JSON.parse(key) as string[]), String(count)]);
  return ['', table([['event', 'where', 'class', 'count'], ...rows], ['left', 'left', 'left', 'right'])];
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
  const classes = [...found.classes, { ...found, class: 'all' }].map((each) => [
    each.class,
    String(each.truth),
    String(each.counted),
    String(each.missed),
    String(each.false),
    String(each.wrongClass),
    each.sample === null ? '-' : percent(each.sample),
    each.trafficWeighted === null ? '-' : percent(each.trafficWeighted),
  ]);
  const missed = missedShare === null ? '' : ` (95 %: ${percent(missedShare.low)} to ${percent(missedShare.high)})`;
  return [
    table(
      [['line', 'direction', 'class', 'by hand', 'counted', 'GEH', 'nwRMSE'], ...flows],
      ['left', 'left', 'left', 'right', 'right', 'right', 'right'],
    ),
    '',
    table(
      [['class', 'by hand', 'counted', 'missed', 'false', 'other class', 'sample', 'traffic-weighted'], ...classes],
      ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'right'],
    ),
    '',
    `by hand ${found.truth} and ${found.contested} contested: ${found.missed} missed${missed}, ${found.false} false, ${found.wrongClass} in another class` +
      (error === null ? '' : `; missed and false ${percent(error)}`),
  ].join('\n');
}
