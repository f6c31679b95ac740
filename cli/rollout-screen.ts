import type { Paint } from '../core/terminal/colour.ts';
import type { Standing } from '../deploy/rollout/boxes.ts';
import type { RolloutSummary } from '../deploy/rollout/summary.ts';

type Style = Parameters<Paint>[0];

const CELLS = 32;
const SHOWN_BOXES = 8;

/** In the order in which a bar fills from the left. */
const LOOKS: readonly (readonly [standing: Standing, cell: string, style: Style | undefined, word: string])[] = [
  ['succeeded', '█', 'green', 'succeeded'],
  ['proving', '▓', 'cyan', 'serving'],
  ['working', '▒', 'cyan', 'at it'],
  ['asked', '·', 'dim', 'asked'],
  ['silent', '▁', 'yellow', 'silent'],
  ['failed', '█', 'red', 'failed'],
];

const STATE_STYLE: Readonly<Record<RolloutSummary['rollout']['state'], Style>> = {
  running: 'cyan',
  waiting: 'yellow',
  paused: 'yellow',
  stopped: 'red',
  'rolling-back': 'red',
  completed: 'green',
  aborted: 'red',
  'rolled-back': 'yellow',
};

/** Cells for each standing: every box that failed shows, however many there are beside it. */
export function cellsOf(standing: Readonly<Record<Standing, number>>, cells = CELLS): Map<Standing, number> {
  const total = LOOKS.reduce((sum, [each]) => sum + standing[each], 0);
  const shown = LOOKS.filter(([each]) => standing[each] > 0);
  const given = new Map(shown.map(([each]) => [each, Math.max(1, Math.floor((standing[each] / total) * cells))]));
  let left = cells - [...given.values()].reduce((sum, count) => sum + count, 0);
  for (const [each] of shown.toSorted(([a], [b]) => standing[b] - standing[a])) {
    const most = given.get(each) ?? 0;
    const change = left > 0 ? left : Math.max(left, 1 - most);
    given.set(each, most + change);
    left -= change;
    if (left === 0) break;
  }
  return given;
}

const minutes = (ms: number): string =>
  ms < 60_000
    ? `${Math.round(ms / 1000)} s`
    : ms < 7_200_000
      ? `${Math.round(ms / 60_000)} min`
      : `${(ms / 3_600_000).toFixed(1)} h`;

/** The whole view as lines; the same summary and time give the same lines. */
export function rolloutScreen(summary: RolloutSummary, now: number, paint: Paint): string[] {
  const { rollout, site, driver, boxesKnown, waves, troubled, atIt } = summary;
  const { model, state, reason, startedBy, startedAt } = rollout;
  const nameWidth = Math.max(6, ...rollout.waves.map((name) => name.length));
  const bar = (standing: Readonly<Record<Standing, number>>): string => {
    const given = cellsOf(standing);
    return LOOKS.map(([each, cell, style]) => {
      const text = cell.repeat(given.get(each) ?? 0);
      return style === undefined || text === '' ? text : paint(style, text);
    }).join('');
  };
  const counts = (standing: Readonly<Record<Standing, number>>): string =>
    LOOKS.filter(([each]) => standing[each] > 0)
      .map(([each, , style, word]) =>
        style === undefined ? `${standing[each]} ${word}` : paint(style, `${standing[each]} ${word}`),
      )
      .join(', ');
  const rows = rollout.waves.map((name, index) => {
    const wave = waves[index];
    if (wave === undefined) return paint('dim', `  ${name.padEnd(nameWidth)}  ${'·'.repeat(CELLS)}`);
    const size = `${wave.standing.succeeded}/${wave.boxes}`.padStart(11);
    return `  ${name.padEnd(nameWidth)}  ${bar(wave.standing)} ${size}  ${counts(wave.standing)}`;
  });
  return [
    `${paint('bold', `${model.name} ${model.version}`)} on ${site}, ${boxesKnown} boxes  ${paint(STATE_STYLE[state], state)}${reason === null ? '' : `: ${reason.message}`}`,
    paint(
      'dim',
      `${rollout.id}, begun by ${startedBy} ${minutes(now - Date.parse(startedAt))} ago, ${driver === null ? 'nobody drives it' : `driven by ${driver}`}`,
    ),
    '',
    ...rows,
    ...(atIt.length === 0 ? [] : ['']),
    ...atIt
      .slice(0, SHOWN_BOXES)
      .map(({ box, state: at, progress }) =>
        paint('dim', `  ${box}  ${at}${progress === null ? '' : ` ${Math.round(progress * 100)} %`}`),
      ),
    ...(troubled.length === 0 ? [] : ['']),
    ...troubled
      .slice(0, SHOWN_BOXES)
      .map(({ box, standing, reason: why }) => `  ${paint(standing === 'failed' ? 'red' : 'yellow', box)}  ${why}`),
  ];
}

/** The same in one line, for logs and pipes. */
export function rolloutLine({ rollout, waves }: RolloutSummary): string {
  const seen = waves.map(({ name, boxes, standing }) => {
    const failed = standing.failed + standing.silent;
    return `${name} ${standing.succeeded}/${boxes}${failed > 0 ? ` (${failed} failed)` : ''}`;
  });
  return `${rollout.model.name} ${rollout.model.version} ${rollout.state}: ${seen.join(', ')}`;
}
