export const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

export const percent = (share: number): string => `${(100 * share).toFixed(2)}%`;
export const bytes = (count: number): string =>
  count < 1e6 ? `${(count / 1e3).toFixed(1)} kB` : `${(count / 1e6).toFixed(2)} MB`;
export const milliseconds = (value: number): string => `${value.toPrecision(3)} ms`;
export const integer = (value: number): string => value.toLocaleString('en-US');

export type Cell = string | number;
export const row = (cells: readonly Cell[], tag: 'td' | 'th' = 'td'): string =>
  `<tr>${cells.map((cell) => `<${tag}>${escaped(String(cell))}</${tag}>`).join('')}</tr>`;
export const table = (head: readonly Cell[], rows: readonly (readonly Cell[])[]): string =>
  `<table><thead>${row(head, 'th')}</thead><tbody>${rows.map((cells) => row(cells)).join('')}</tbody></table>`;
