import type { PruneRecord } from '../prune-finetune/outcome.ts';
import { escaped, integer, named, percent, section, shortened, table } from './html.ts';
import { type Axis, across, itemNumbers, key, linearAxis, middleOf, PLOT_HEIGHT, plot, px, yOf } from './plot.ts';
import { DRAWN } from './style.ts';

/** Channels kept, and how the answers move when one group alone loses some. */
export function pruningSections({ groups, sensitivity }: PruneRecord): string {
  return [
    section({
      id: 'kept',
      title: 'Channels kept',
      body: `${keptChart(groups.slice(0, DRAWN))}
${table({
  caption: 'Groups of channels, in the order of the network',
  columns: ['Group', 'Before', 'After', 'Kept'],
  rows: groups
    .slice(0, DRAWN)
    .map(({ name, before, after }, i) => [
      named(name, i + 1),
      integer(before),
      integer(after),
      percent(after / before),
    ]),
})}`,
    }),
    ...(sensitivity.length === 0
      ? []
      : [section({ id: 'sensitivity', title: 'Sensitivity', body: sensitivityChart(sensitivity.slice(0, DRAWN)) })]),
  ].join('\n');
}

function keptChart(groups: PruneRecord['groups']): string {
  const y = linearAxis(
    groups.map(({ before }) => before),
    (tick) => integer(Math.round(tick)),
    0,
  );
  const width = across(0.76 / groups.length);
  const bars = groups.map(({ name, before, after }, g) => {
    const x = across((g + 0.12) / groups.length);
    const bar = (count: number, kind: string, inside = ''): string => {
      const top = yOf(y, count);
      return `<rect class="${kind}" x="${x}" y="${px(top)}" width="${width}" height="${px(PLOT_HEIGHT - top)}">${inside}</rect>`;
    };
    const says = `<title>${g + 1} ${escaped(shortened(name))}: ${after} of ${before}</title>`;
    return bar(before, 'pale', says) + bar(after, 'a', says);
  });
  const [before, after] = [groups.map((group) => group.before), groups.map((group) => group.after)].map((counts) =>
    counts.reduce((sum, count) => sum + count, 0),
  );
  return plot({
    id: 'kept-plot',
    title: 'Channels kept in each group',
    description: `${groups.length} groups; ${integer(after ?? 0)} of ${integer(before ?? 0)} channels kept. The table below has every group.`,
    y,
    x: itemNumbers(groups.length),
    marks: bars.join('\n'),
    caption: `${key('a', 'kept')} ${key('pale', 'removed')} Each bar is a group of channels that live and die together, named by the first weights that make them.`,
  });
}

/** Nats below which a divergence cannot be seen in any answer. */
const LEAST = 1e-5;
const SHADES = ['s1', 's2', 's3'] as const;

function sensitivityChart(groups: PruneRecord['sensitivity']): string {
  const y = divergenceAxis(groups.flatMap(({ points }) => points.map(({ divergence }) => divergence)));
  const dots = groups.flatMap(({ name, points }, g) =>
    points.map(({ ratio, divergence, agreement }, p) => {
      const height = yOf(y, Math.log10(Math.max(LEAST, divergence)));
      const says = `${g + 1} ${shortened(name)}, ${Math.round(100 * ratio)}% removed: ${divergence.toPrecision(2)}, ${Math.round(100 * agreement)}% of predictions kept`;
      return `<circle class="${SHADES[p] ?? 's3'}" cx="${across(middleOf(g, groups.length))}" cy="${px(height)}" r="${p + 2.5}"><title>${escaped(says)}</title></circle>`;
    }),
  );
  const ratios = groups[0]?.points.map(({ ratio }) => ratio) ?? [];
  const worst = groups
    .map(({ name, points }, g) => ({ name: `${g + 1} ${shortened(name)}`, most: points.at(-1)?.divergence ?? 0 }))
    .sort((a, b) => b.most - a.most)
    .slice(0, 3);
  const keys = ratios.map((ratio, p) => key(`round ${SHADES[p] ?? 's3'}`, `${Math.round(100 * ratio)}% removed`));
  return plot({
    id: 'sensitivity-plot',
    title: 'Sensitivity of each group of channels',
    description: `Divergence of the predictions by group, from ${y.ticks[0]?.label} to ${y.ticks.at(-1)?.label}. Most sensitive: ${worst.map(({ name, most }) => `${name} (${most.toPrecision(2)})`).join(', ')}.`,
    y,
    x: itemNumbers(groups.length),
    marks: dots.join('\n'),
    caption: `${keys.join(' ')} How far the predictions move when one group alone loses channels and the layers that read it have made up for it:
mean Kullback-Leibler divergence at temperature 4, logarithmic. No labels are needed for it. Most sensitive: ${worst.map(({ name }) => escaped(name)).join(', ')}.`,
  });
}

/** In powers of ten. */
function divergenceAxis(values: readonly number[]): Axis {
  const low = Math.log10(LEAST);
  const high = Math.ceil(Math.log10(Math.max(10 * LEAST, ...values)));
  const ticks = Array.from({ length: high - low + 1 }, (_, i) => low + i);
  return { low, high, ticks: ticks.map((at) => ({ at, label: powerOfTen(at) })) };
}

const SUPERSCRIPTS = '\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079';

const powerOfTen = (exponent: number): string =>
  exponent >= -2 ? String(10 ** exponent) : `10\u207b${SUPERSCRIPTS[-exponent]}`;
