import type { StageOutcome } from '../prune-finetune/outcome.ts';
import { bytes, escaped, percent } from './html.ts';
import { type Axis, across, linearAxis, plot, px, shareOf, yOf } from './plot.ts';

/** Least height between two labels. */
const LINE = 16;
/** Share of the width within which labels may touch. */
const NEAR = 0.35;
/** Share of the width kept free to the right of the last place, for its label. */
const ROOM = 0.3;

/** What reconstruction repairs at the same size is no model anybody would keep: at 10% it would press all others together. */
const kept = (stages: readonly StageOutcome[]): readonly StageOutcome[] =>
  stages.filter(({ name }, i) => name !== 'prune' || stages[i + 1]?.name !== 'reconstruct');

/** Stages joined in their order: bytes, logarithmic, to the right; top-1 in percent upwards. */
export function sizeAgainstAccuracy(all: readonly StageOutcome[]): string {
  const stages = kept(all);
  const y = linearAxis(
    stages.map(({ top1 }) => 100 * top1),
    (tick) => `${Number(tick.toFixed(2))}%`,
  );
  const x = byteAxis(stages.map((stage) => stage.bytes));
  const places = stages.map((stage) => ({
    stage,
    at: shareOf(x, Math.log10(stage.bytes)),
    height: yOf(y, 100 * stage.top1),
  }));
  const lines = places.slice(1).map((to, i) => {
    const from = places[i]!;
    return `<line class="path" x1="${across(from.at)}" y1="${px(from.height)}" x2="${across(to.at)}" y2="${px(to.height)}"/>`;
  });
  const heights = labelHeights(places);
  const labels = places.map(
    ({ stage, at }, i) =>
      `<text class="name" x="${across(at)}" y="${px(heights[i]!)}" dx="10" dy=".35em">${escaped(stage.name)}</text>`,
  );
  const dots = places.map(({ stage, at, height }) => {
    const says = `${stage.name}: ${bytes(stage.bytes)}, ${percent(stage.top1)}`;
    return `<circle class="a" cx="${across(at)}" cy="${px(height)}" r="5"><title>${escaped(says)}</title></circle>`;
  });
  return plot({
    id: 'size',
    title: 'Size against accuracy',
    description: stages.map(({ name, bytes: size, top1 }) => `${name}: ${bytes(size)} at ${percent(top1)}`).join('; '),
    y,
    x: x.ticks.map(({ at, label }) => ({ at: shareOf(x, at), label })),
    marks: [...lines, ...labels, ...dots].join('\n'),
    caption: [
      'Size of the file, logarithmic, against top-1 accuracy.',
      y.low > 0 ? 'The axis of accuracy does not begin at 0.' : '',
      'Up and to the left is better; the line follows the stages.',
      stages.length < all.length ? 'Pruning is shown once its layers were reconstructed.' : '',
    ]
      .filter((sentence) => sentence !== '')
      .join(' '),
  });
}

/** Logarithmic: ticks at 1, 2 and 5 times powers of ten. */
function byteAxis(sizes: readonly number[]): Axis {
  const logs = sizes.map((size) => Math.log10(Math.max(1, size)));
  const [least, most] = [Math.min(...logs) - 0.1, Math.max(...logs) + 0.1];
  const [low, high] = [least, least + (most - least) / (1 - ROOM)];
  const powers = Array.from({ length: 12 }, (_, power) => power);
  const ticks = powers
    .flatMap((power) => [1, 2, 5].map((times) => times * 10 ** power))
    .filter((size) => Math.log10(size) >= low && Math.log10(size) <= high)
    .map((size) => ({ at: Math.log10(size), label: size >= 1e6 ? `${size / 1e6} MB` : `${size / 1e3} kB` }));
  return { low, high, ticks: ticks.length > 4 ? ticks.filter((_, i) => i % Math.ceil(ticks.length / 4) === 0) : ticks };
}

/** Heights of labels, moved down as far as it takes to keep a line between neighbours. */
function labelHeights(places: readonly { readonly at: number; readonly height: number }[]): number[] {
  const found = new Array<number>(places.length);
  const set: number[] = [];
  for (const i of [...places.keys()].sort((a, b) => places[a]!.height - places[b]!.height)) {
    const near = set.filter((other) => Math.abs(places[other]!.at - places[i]!.at) < NEAR);
    found[i] = Math.max(places[i]!.height, ...near.map((other) => found[other]! + LINE));
    set.push(i);
  }
  return found;
}
