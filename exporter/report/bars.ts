import { escaped } from './html.ts';

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** As written beside the bar. */
  readonly text: string;
}

/** Lying bars from 0, one a line, with their values written out: a list to who cannot see it. */
export function barList(title: string, bars: readonly Bar[]): string {
  const most = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE);
  const lines = bars.map(({ label, value, text }) => {
    const width = (100 * Math.max(0, value)) / most;
    return `<li><span>${escaped(label)}</span><b>${escaped(text)}</b><i style="width:${width.toFixed(1)}%"></i></li>`;
  });
  return `<figure class="bars"><figcaption>${escaped(title)}</figcaption><ol>${lines.join('')}</ol></figure>`;
}
