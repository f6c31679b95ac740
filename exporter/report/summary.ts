import { isClear } from '../../core/intervals.ts';
import type { CompressResult } from '../pipeline/results.ts';
import { bytes, escaped, integer, milliseconds, operations, percent, ratio, signed } from './html.ts';

interface Tile {
  readonly name: string;
  readonly now: string;
  readonly was: string;
  readonly change: string;
}

/** The outcome in one sentence and five or six figures. */
export function summary(result: CompressResult): string {
  const tiles = tilesOf(result).map(
    ({ name, now, was, change }) =>
      `<div><dt>${escaped(name)}</dt><dd class="big">${escaped(now)}</dd><dd class="was">was ${escaped(was)}<br>${escaped(change)}</dd></div>`,
  );
  const warnings = result.warnings.map((text) => `<p role="alert"><strong>Warning:</strong> ${escaped(text)}.</p>\n`);
  return `<p class="lead">${escaped(sentence(result))}</p>\n${warnings.join('')}<dl class="tiles">${tiles.join('\n')}</dl>`;
}

const times = (before: number, after: number, less: string, more: string): string =>
  before >= after ? `${ratio(before / after)} times ${less}` : `${ratio(after / before)} times ${more}`;

function sentence({ baseline, candidate, change }: CompressResult): string {
  const size = times(baseline.bytes, candidate.bytes, 'smaller', 'larger');
  const speed = times(baseline.latencyMs, candidate.latencyMs, 'faster', 'slower');
  return `${size} and ${speed} than the float model; right on ${percent(candidate.top1)} of ${integer(candidate.samples)} images instead of ${percent(baseline.top1)}, ${isClear(change) ? 'a difference that chance would hardly make' : 'no more of a difference than chance makes'}.`;
}

function tilesOf({ baseline, candidate, change, uniqueWeights, stages, overTheAir }: CompressResult): readonly Tile[] {
  const [float, last] = [stages[0], stages.at(-1)];
  const [operationsBefore, operationsAfter] = [float?.flops ?? null, last?.flops ?? null];
  return [
    {
      name: 'Top-1',
      now: percent(candidate.top1),
      was: percent(baseline.top1),
      change: `${signed(change.points)} points (95 %: ${signed(change.low)} to ${signed(change.high)})`,
    },
    {
      name: overTheAir === undefined ? 'Size' : 'Size as run',
      now: bytes(candidate.bytes),
      was: bytes(baseline.bytes),
      change: times(baseline.bytes, candidate.bytes, 'smaller', 'larger'),
    },
    ...(overTheAir === undefined
      ? []
      : [
          {
            name: 'Size over the air',
            now: bytes(overTheAir),
            was: bytes(baseline.bytes),
            change: times(baseline.bytes, overTheAir, 'smaller', 'larger'),
          },
        ]),
    {
      name: 'Latency',
      now: milliseconds(candidate.latencyMs),
      was: milliseconds(baseline.latencyMs),
      change: times(baseline.latencyMs, candidate.latencyMs, 'faster', 'slower'),
    },
    {
      name: 'Operations',
      now: operations(operationsAfter),
      was: operations(operationsBefore),
      change: operationsChange(operationsBefore, operationsAfter),
    },
    {
      name: 'Distinct weights',
      now: integer(uniqueWeights.after),
      was: integer(uniqueWeights.before),
      change: times(uniqueWeights.before, uniqueWeights.after, 'fewer', 'more'),
    },
  ];
}

function operationsChange(before: number | null, after: number | null): string {
  if (before === null || after === null) return 'a shape is unknown';
  return before === after ? 'as many, in int8' : times(before, after, 'fewer', 'more');
}
