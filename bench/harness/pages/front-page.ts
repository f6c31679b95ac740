import type { Benchmark, Headline } from '../benchmark.ts';
import type { StoredFigure, StoredResult } from '../results.ts';
import { formatLimit, formatValue, markdownTable } from './table.ts';

const valueText = ({ value, unit }: StoredFigure): string =>
  `${formatValue(value, unit)}${unit === '' ? '' : ` ${unit}`}`;

/** @throws {Error} where a headline names a figure that its benchmark does not have */
function figureOf(
  { benchmark, figures }: StoredResult,
  { subject, measure }: Pick<Headline, 'subject' | 'measure'>,
): StoredFigure {
  const figure = figures.find((candidate) => candidate.subject === subject && candidate.measure === measure);
  if (figure === undefined)
    throw new Error(`${benchmark} has no figure "${measure}" of "${subject}" for the front page`);
  return figure;
}

function row(result: StoredResult, headline: Headline): readonly string[] {
  const figure = figureOf(result, headline);
  const { against } = headline;
  const held =
    against !== undefined
      ? `${against.says}: ${valueText(figureOf(result, against))}`
      : figure.limit === undefined
        ? ''
        : `promised ${formatLimit(figure.limit, figure.unit)}`;
  return [headline.says, `**${valueText(figure)}**`, held, `\`${result.benchmark}\``];
}

/** The few figures that the front page shows: those that benchmarks mark as headlines, where they were measured. */
export function headlineTable(benchmarks: readonly Benchmark[], results: readonly StoredResult[]): string {
  const rows = benchmarks.flatMap(({ name, headlines = [] }) => {
    const result = results.find(({ benchmark }) => benchmark === name);
    return result === undefined ? [] : headlines.map((headline) => row(result, headline));
  });
  return markdownTable([['what', 'measured', 'against', 'benchmark'], ...rows]);
}

/** How many promises there are and which benchmarks miss one, in a sentence. */
export function missedPromises(results: readonly StoredResult[]): string {
  const promises = results.flatMap(({ benchmark, figures }) =>
    figures.flatMap(({ met }) => (met === undefined ? [] : [{ benchmark, met }])),
  );
  const missed = promises.filter(({ met }) => !met);
  const names = [...new Set(missed.map(({ benchmark }) => `\`${benchmark}\``))];
  if (missed.length === 0) return `All ${promises.length} promises with a number are kept.`;
  return `Of ${promises.length} promises with a number, ${missed.length} are missed (${names.join(', ')}): each is listed with the rest in the [benchmarks](docs/research/benchmarks.md).`;
}
