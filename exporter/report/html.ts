export const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

export const percent = (share: number): string => `${(100 * share).toFixed(2)}%`;
export const bytes = (count: number): string =>
  count < 1e6 ? `${(count / 1e3).toFixed(1)} kB` : `${(count / 1e6).toFixed(2)} MB`;
export const milliseconds = (value: number): string => `${value.toPrecision(3)} ms`;
export const seconds = (value: number): string => `${value.toFixed(value < 10 ? 2 : 1)} s`;
export const integer = (value: number): string => value.toLocaleString('en-US');
export const operations = (flops: number | null): string => {
  if (flops === null) return 'unknown';
  return flops >= 1e9 ? `${(flops / 1e9).toFixed(2)} G` : `${(flops / 1e6).toFixed(1)} M`;
};
export const decibels = (value: number): string => (value >= EXACT ? 'exact' : `${value.toFixed(1)} dB`);
export const ratio = (value: number): string => (value < 100 ? value.toPrecision(3) : integer(Math.round(value)));
/** With a true minus sign. */
export const signed = (value: number, digits = 2): string => {
  const text = Math.abs(value).toFixed(digits);
  return Number(text) === 0 ? text : `${value < 0 ? '\u2212' : '+'}${text}`;
};

/** dB from which float arithmetic cannot tell two values apart: 24 bits of mantissa are 144 dB. */
export const EXACT = 140;

/** Longest name shown whole; exporters make names of hundreds of characters out of module paths. */
const NAME = 44;

/** Names up to here need no more room than any column. */
const SHORT = 14;

/** The ends of a long name: where exporters put what tells layers apart. */
export const shortened = (name: string, most = NAME): string =>
  name.length <= most ? name : `${name.slice(0, Math.ceil(most / 2))}\u2026${name.slice(1 - Math.floor(most / 2))}`;

/** A name in a cell, whole when pointed at, with the number that images show it under. */
export function named(name: string, number?: number): Html {
  const before = number === undefined ? '' : `<span class="number">${number}</span> `;
  const short = escaped(shortened(name));
  if (name.length <= SHORT) return { html: before + short };
  const whole = name.length <= NAME ? '' : ` title="${escaped(shortened(name, 160))}"`;
  return { html: `<span class="long"${whole}>${before}${short}</span>` };
}

/** Markup as it is; every other text is escaped. */
interface Html {
  readonly html: string;
}

type Cell = string | number | Html;

/** Heads of columns: the first names the rows; numbers stand to the right unless a column is said to hold words. */
type Column = string | { readonly words: string };

interface TableContents {
  /** What a screen reader says first; shown above the table. */
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
}

/** Rows from which a table is folded away until it is asked for, or printed. */
const FOLDED = 40;

/** A table that scrolls by itself where it is wider than the page. */
export function table({ caption, columns, rows }: TableContents): string {
  const words = columns.map((column, i) => i === 0 || typeof column !== 'string');
  const aligned = (i: number): string => (words[i] === true ? '' : ' class="n"');
  const heads = columns.map((column, i) => {
    const text = typeof column === 'string' ? column : column.words;
    return `<th scope="col"${aligned(i)}>${escaped(text)}</th>`;
  });
  const body = rows.map((cells) => {
    const [first = '', ...rest] = cells;
    const others = rest.map((cell, i) => `<td${aligned(i + 1)}>${markup(cell)}</td>`);
    return `<tr><th scope="row">${markup(first)}</th>${others.join('')}</tr>`;
  });
  const title = escaped(caption);
  const whole = `<div class="scroll" role="region" aria-label="${title}" tabindex="0"><table><caption><span>${title}</span></caption>
<thead><tr>${heads.join('')}</tr></thead>
<tbody>${body.join('\n')}</tbody></table></div>`;
  if (rows.length < FOLDED) return whole;
  return `<details><summary>${title}: all ${rows.length}</summary>${whole}</details>`;
}

const markup = (cell: Cell): string => (typeof cell === 'object' ? cell.html : escaped(String(cell)));

interface Section {
  /** Of the anchor. */
  readonly id: string;
  readonly title: string;
  readonly body: string;
}

export const section = ({ id, title, body }: Section): string =>
  `<section id="${id}" aria-labelledby="${id}-h"><h2 id="${id}-h">${escaped(title)}</h2>\n${body}\n</section>`;
