import { escaped, section, table } from '../../exporter/report/html.ts';
import { across, key, linearAxis, plot, px, shareOf, yOf } from '../../exporter/report/plot.ts';
import { REPORT_STYLE } from '../../exporter/report/style.ts';
import type { Passing } from '../count/volume-accuracy.ts';
import type { CountedClip } from './count-clip.ts';
import type { Step, Verdict } from './verdict.ts';

type Unsigned = Omit<Verdict, 'page'>;

const percent = (share: number | null): string => (share === null ? '\u2013' : `${(100 * share).toFixed(1)} %`);
const seconds = (time: number | null): string => (time === null ? 'not known' : `${time.toFixed(1)} s`);
const range = (interval: Step['interval']): string =>
  interval === null ? '\u2013' : `${percent(interval.low)} to ${percent(interval.high)}`;

/** One page without network or script: what was asked and seen, running totals, and every miss with its time. */
export function acceptancePage(verdict: Unsigned, clips: readonly CountedClip[]): string {
  const { model, limit, certainty, rate, wayside, endedAt, key: signer } = verdict;
  const made = `${model.name}${model.version === null ? '' : ` ${model.version}`} (${model.digest}), ${rate === 0 ? 'every frame' : `${rate} frames a second`}, limit ${percent(limit)}${certainty ? ', by whole intervals' : ''}. Wayside ${wayside}, ${endedAt}; to be signed by ${signer.thumbprint}.`;
  const body = [
    section({ id: 'steps', title: 'Steps', body: stepTable(verdict.steps) }),
    section({ id: 'conditions', title: 'Light and weather', body: conditionTable(verdict) }),
    section({ id: 'accuracy', title: 'Accuracy', body: accuracyTables(verdict) }),
    section({ id: 'totals', title: 'Running totals', body: clips.map(totals).join('\n') }),
    section({ id: 'errors', title: 'Missed and false', body: errorTable(verdict) }),
  ].join('\n');
  const word = verdict.verdict === 'accepted' ? 'good' : 'bad';
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escaped(model.name)}: ${verdict.verdict}</title><style>${REPORT_STYLE}</style></head><body><main>
<header><h1>${escaped(model.name)}: <span class="${word}">${verdict.verdict}</span></h1>
<p class="lead">${escaped(verdict.because)}</p><p>${escaped(made)}</p></header>
${body}
</main></body></html>
`;
}

const STATUS = {
  passed: '<span class="good">passed</span>',
  failed: '<span class="bad">failed</span>',
  'not-judged': 'not judged',
  'not-reached': 'not reached',
} as const satisfies Record<Step['status'], string>;

function stepTable(steps: readonly Step[]): string {
  return table({
    caption: 'What was asked and what was seen, with the interval of 95 %',
    columns: ['step', { words: '' }, { words: 'asked' }, { words: 'seen' }, 'error', '95 %'],
    rows: steps.map(({ title, status, asked, seen, error, interval, method }) => [
      title,
      { html: STATUS[status] },
      asked,
      seen,
      percent(error),
      method === null ? '\u2013' : `${range(interval)} (${method === 'wilson' ? 'Wilson' : 'exact'})`,
    ]),
  });
}

const conditionTable = ({ conditions }: Unsigned): string =>
  table({
    caption: 'Missed, false and in another class, by light and weather',
    columns: ['light', { words: 'weather' }, 'by hand', 'missed', 'false', 'other class', 'error', '95 %'],
    rows: conditions.map(({ light, weather, truth, missed, false: wrong, wrongClass, error, interval }) => [
      light ?? 'not tagged',
      weather ?? 'not tagged',
      truth,
      missed,
      wrong,
      wrongClass,
      percent(error),
      range(interval),
    ]),
  });

function accuracyTables({ accuracy, clips }: Unsigned): string {
  const all = { class: 'all', ...accuracy, truth: clips.reduce((sum, { truth }) => sum + truth, 0) };
  const classes = table({
    caption: 'Accuracy of whole samples, and by interval, line, direction and class, weighed by traffic',
    columns: ['class', 'by hand', 'sample', 'traffic-weighted'],
    rows: [...accuracy.classes, all].map((each) => [
      each.class,
      each.truth,
      percent(each.sample),
      percent(each.trafficWeighted),
    ]),
  });
  if (accuracy.scatter.length === 0) return classes;
  const windows = table({
    caption: 'How alike devices count the same traffic',
    columns: ['window', 'devices', 'scatter'],
    rows: accuracy.scatter.map(({ window, devices, scatter }) => [window, devices, percent(scatter)]),
  });
  return `${classes}\n${windows}`;
}

function errorTable({ clips }: Unsigned): string {
  const rows = clips.flatMap(({ name, missedCrossings, falseCrossings }) => {
    const row = (kind: string) => (each: Passing) => [
      name,
      kind,
      seconds(each.time),
      each.line,
      each.direction,
      each.class,
    ];
    return [...missedCrossings.map(row('missed')), ...falseCrossings.map(row('false'))];
  });
  if (rows.length === 0) return '<p>Nothing was missed, and nothing is false.</p>';
  const columns = ['kind', 'time', 'line', 'direction', 'class'].map((words) => ({ words }));
  return table({ caption: 'When to look', columns: ['clip', ...columns], rows });
}

/** Of one clip: how many had passed by hand and by the detector, at every moment, line by line. */
function totals({ name, seconds: length, byHand, counted }: CountedClip, clip: number): string {
  const of = ({ line, direction }: Passing): string => `${line}, ${direction}`;
  const flows = [...new Set([...byHand, ...counted].map(of))];
  if (flows.length === 0) return `<p>${escaped(name)}: nothing passed.</p>`;
  return flows
    .map((flow, i) => {
      const [hand, seen] = [byHand, counted].map((all) =>
        all
          .filter((each) => of(each) === flow)
          .flatMap(({ time }) => time ?? [])
          .sort((a, b) => a - b),
      );
      return flowPlot(`t${clip}-${i}`, `${name}: ${flow}`, length, hand ?? [], seen ?? []);
    })
    .join('\n');
}

function flowPlot(id: string, title: string, length: number, hand: readonly number[], seen: readonly number[]): string {
  const y = linearAxis([0, Math.max(1, hand.length, seen.length)], String, 0);
  const x = linearAxis([0, Math.max(1, length)], (at) => `${at} s`, 0);
  const steps = (times: readonly number[], kind: string): string => {
    const at = (time: number): string => across(shareOf(x, time));
    const ends = [...times, Math.max(length, times.at(-1) ?? 0)];
    return ends
      .map((time, count) => {
        const level = px(yOf(y, count));
        const flat = `<line class="${kind}" x1="${at(ends[count - 1] ?? 0)}" x2="${at(time)}" y1="${level}" y2="${level}"/>`;
        if (count === times.length) return flat;
        return `${flat}<line class="${kind}" x1="${at(time)}" x2="${at(time)}" y1="${level}" y2="${px(yOf(y, count + 1))}"/>`;
      })
      .join('');
  };
  return plot({
    id,
    title,
    description: `${hand.length} by hand and ${seen.length} counted in ${length.toFixed(0)} s`,
    y,
    x: x.ticks.map(({ at, label }) => ({ at: shareOf(x, at), label })),
    marks: steps(hand, 'path') + steps(seen, 'mark'),
    caption: `${escaped(title)}: ${key('pale', `by hand, contested ones included: ${hand.length}`)}${key('b', `counted: ${seen.length}`)}`,
  });
}
