import { escaped } from './html.ts';

export interface Axis {
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly { readonly at: number; readonly label: string }[];
}

/** An axis over values, from 0 where they reach down to it, with ticks at 1, 2 or 5 times a power of ten. */
export function linearAxis(values: readonly number[], label: (tick: number) => string, from?: number): Axis {
  const finite = values.filter(Number.isFinite);
  const low = from ?? Math.min(...finite, Number.POSITIVE_INFINITY);
  const high = Math.max(...finite, Number.NEGATIVE_INFINITY);
  const [start, end] = low < high ? [low, high] : Number.isFinite(low) ? [low - 0.5, low + 0.5] : [0, 1];
  const step = niceStep((end - start) / 4);
  const first = Math.floor(start / step + 1e-9);
  const last = Math.ceil(end / step - 1e-9);
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
  return { low: first * step, high: last * step, ticks: ticks.map((at) => ({ at, label: label(at) })) };
}

function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 5].find((times) => times * power >= least) ?? 10) * power;
}

/** Share of the way from the low end, 0 to 1; values beyond the ends lie on them. */
export const shareOf = ({ low, high }: Axis, value: number): number =>
  Math.min(1, Math.max(0, (value - low) / (high - low)));

interface PlotContents {
  readonly id: string;
  readonly title: string;
  /** What the image shows, for who cannot see it. */
  readonly description: string;
  readonly y: Axis;
  /** `at` as a share of the width. */
  readonly x: readonly { readonly at: number; readonly label: string }[];
  readonly marks: string;
  /** Markup under the image: the key, and how to read it. */
  readonly caption: string;
}

export const PLOT_HEIGHT = 180;

/** From the top. */
export const yOf = (axis: Axis, value: number): number => PLOT_HEIGHT * (1 - shareOf(axis, value));
export const px = (value: number): string => String(Math.round(10 * value) / 10);
/** Coordinates across are shares of the width: text and strokes keep their size on any screen. */
export const across = (share: number): string => `${Math.round(1e4 * share) / 100}%`;

/** An image with horizontal lines at the ticks of the axis, as wide as the page. */
export function plot({ id, title, description, y, x, marks, caption }: PlotContents): string {
  const lines = y.ticks.map(({ at, label }) => {
    const height = px(yOf(y, at));
    return `<line class="grid" x1="0" x2="100%" y1="${height}" y2="${height}"/><text x="-8" y="${height}" dy=".35em" text-anchor="end">${escaped(label)}</text>`;
  });
  const labels = x.map(
    ({ at, label }) => `<text x="${across(at)}" y="${PLOT_HEIGHT + 18}" text-anchor="middle">${escaped(label)}</text>`,
  );
  return `<figure><div class="plot"><svg role="img" aria-labelledby="${id}-t ${id}-d" width="100%" height="${PLOT_HEIGHT}">
<title id="${id}-t">${escaped(title)}</title><desc id="${id}-d">${escaped(description)}</desc>
${lines.join('')}${labels.join('')}
${marks}</svg></div><figcaption>${caption}</figcaption></figure>`;
}

/** Numbers of items that stand side by side, as many as there is room for on a small screen. */
export function itemNumbers(count: number): PlotContents['x'] {
  const step = [1, 2, 5, 10, 20, 50, 100].find((each) => count / each <= 12) ?? 200;
  return Array.from({ length: count }, (_, i) => i + 1)
    .filter((n) => n % step === 0)
    .map((n) => ({ at: middleOf(n - 1, count), label: String(n) }));
}

/** Where an item among `count` stands. */
export const middleOf = (index: number, count: number): number => (index + 0.5) / count;

/** A patch of a colour in a key: one of the classes in the style. */
export const key = (kind: string, text: string): string =>
  `<span class="key"><i class="${kind}"></i>${escaped(text)}</span>`;
