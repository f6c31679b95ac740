import type { Limit } from '../benchmark.ts';
import type { StoredFigure, StoredResult } from '../results.ts';

/** Rows of cells, the first row being the head. */
type Table = readonly (readonly string[])[];

/** Three significant digits below 100, whole numbers above: what the measurements are good for. Percentages keep two decimals. */
export function formatValue(value: number, unit: string): string {
  if (Number.isInteger(value)) return value.toLocaleString('en-US');
  if (unit === '%' || unit === 'points') return value.toFixed(2);
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

const withUnit = (value: number, unit: string): string => `${formatValue(value, unit)}${unit === '' ? '' : ` ${unit}`}`;

export function formatLimit(limit: Limit, unit: string): string {
  if ('notBelow' in limit) return `not clearly < ${withUnit(limit.notBelow, unit)}`;
  return 'atMost' in limit ? `<= ${withUnit(limit.atMost, unit)}` : `>= ${withUnit(limit.atLeast, unit)}`;
}

/** `0.12 points [-0.22, 0.46]`: the value and, where it is known, its 95% interval. */
function measured({ value, unit, interval }: StoredFigure): string {
  if (interval === undefined) return withUnit(value, unit);
  return `${withUnit(value, unit)} [${formatValue(interval.low, unit)}, ${formatValue(interval.high, unit)}]`;
}

const verdict = ({ met }: StoredFigure): string => (met === undefined ? '' : met ? 'met' : '**missed**');

/** One figure a line: what, value, limit, verdict. */
function listTable(figures: readonly StoredFigure[]): Table {
  const rows = figures.map((figure) => [
    figure.subject,
    figure.measure,
    measured(figure),
    figure.limit === undefined ? '' : formatLimit(figure.limit, figure.unit),
    verdict(figure),
  ]);
  return [['what', 'measure', 'value', 'limit', ''], ...rows];
}

function gridCell(figure: StoredFigure | undefined): string {
  if (figure === undefined) return '';
  const value = measured(figure);
  return figure.limit === undefined
    ? value
    : `${value} (${formatLimit(figure.limit, figure.unit)}: ${verdict(figure)})`;
}

/** Subjects as rows, measures as columns, both in the order of first appearance. */
function gridTable(figures: readonly StoredFigure[]): Table {
  const subjects = [...new Set(figures.map(({ subject }) => subject))];
  const measures = [...new Set(figures.map(({ measure }) => measure))];
  const rows = subjects.map((subject) => [
    subject,
    ...measures.map((measure) =>
      gridCell(figures.find((figure) => figure.subject === subject && figure.measure === measure)),
    ),
  ]);
  return [['', ...measures], ...rows];
}

/** One grid for each set of measures that subjects have in common, in the order of first appearance. */
function gridTables(figures: readonly StoredFigure[]): Table[] {
  const measuresOf = (wanted: string): string =>
    figures.flatMap(({ subject, measure }) => (subject === wanted ? [measure] : [])).join('\n');
  const kinds = new Map<string, StoredFigure[]>();
  for (const figure of figures) {
    const kind = measuresOf(figure.subject);
    kinds.set(kind, [...(kinds.get(kind) ?? []), figure]);
  }
  return [...kinds.values()].map(gridTable);
}

/** As the benchmark lays its figures out: `list` and `grid` are one table, `grids` as many as there are kinds of subjects. */
export function tablesOf({ layout, figures }: StoredResult): readonly Table[] {
  if (layout === 'grids') return gridTables(figures);
  return [layout === 'grid' ? gridTable(figures) : listTable(figures)];
}

/** Only the figures that have a limit: the promises, and what was measured of them. */
export const promisesOf = (results: readonly StoredResult[]): Table => [
  ['what', 'measure', 'value', 'limit', '', 'benchmark'],
  ...results.flatMap((result) =>
    listTable(result.figures.filter(({ limit }) => limit !== undefined))
      .slice(1)
      .map((row) => [...row, `\`${result.benchmark}\``]),
  ),
];

/** A GitHub-flavoured Markdown table. */
export function markdownTable(table: Table): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const [head = [], ...rows] = table;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

/** Columns aligned with spaces, for a terminal. */
export function terminalTable(table: Table): string {
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return table.map((row) => line(row).replaceAll('**', '')).join('\n');
}
