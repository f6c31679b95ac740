import type { Counts } from '../counting/crossing-tally.ts';

/** Small words for figures. What is not known is a dash, never a zero. */
export const percent = (share: number | null): string => (share === null ? '-' : `${(share * 100).toFixed(1)} %`);

export const milliseconds = (ms: number | null): string => (ms === null ? '-' : `${ms.toFixed(0)} ms`);

/** Powers of ten: `128 kB`, `95 MB`. */
export function bytes(value: number | null): string {
  if (value === null) return '-';
  return value < 1e6 ? `${Math.round(value / 1000)} kB` : `${Math.round(value / 1e6)} MB`;
}

const PARTS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar of `width` columns for a share of 0 to 1, in eighths of a column. */
export function bar(share: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8);
  return ('█'.repeat(Math.floor(eighths / 8)) + (PARTS[eighths % 8] ?? '')).padEnd(width, '·');
}

/** Cuts a line to so many columns. Everything here is one column wide a character. */
export function cut(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`;
}

const plural = (name: string, count: number): string =>
  count === 1 ? name : /s$/.test(name) ? `${name}es` : `${name}s`;

/** `2 cars, 1 bus`; `nothing`. The most first. */
export function inSight(objects: readonly { readonly class: string }[]): string {
  const numbers = new Map<string, number>();
  for (const { class: name } of objects) numbers.set(name, (numbers.get(name) ?? 0) + 1);
  const words = [...numbers].sort(([, a], [, b]) => b - a).map(([name, count]) => `${count} ${plural(name, count)}`);
  return words.length === 0 ? 'nothing' : words.join(', ');
}

/** What was counted beside what happened, in a sentence that hides nothing. */
export const counted = ({ counted: all, truth, missed, false: wrong, otherClass }: Counts): string =>
  `${all} counted, ${truth} truly passed: ${missed} missed, ${wrong} false, ${otherClass} in another class`;
