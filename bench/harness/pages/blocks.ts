import type { Benchmark } from '../benchmark.ts';
import type { Machine } from '../machine.ts';
import type { StoredResult } from '../results.ts';
import { headlineTable, missedPromises } from './front-page.ts';
import { markdownTable, promisesOf, tablesOf } from './table.ts';
import { wrapped } from './wrap.ts';

const machineText = ({ cpu, cores, instructionSets, memoryGiB, os, node, packages }: Machine): string =>
  `${cpu}, ${cores} logical processors (${instructionSets.join(', ')}), ${memoryGiB} GiB; ${os}; Node ${node}; ` +
  `onnxruntime-node ${packages['onnxruntime-node']}`;

const day = (date: string): string => date.slice(0, 10);

/** The promises of every benchmark and what was measured, with the machines. */
function summary(results: readonly StoredResult[]): string {
  const machines = new Map<string, string[]>();
  for (const { machine, benchmark } of results) {
    const text = machineText(machine);
    machines.set(text, [...(machines.get(text) ?? []), benchmark]);
  }
  const origins = [...machines].map(([text, names]) =>
    wrapped(machines.size === 1 ? `Measured on: ${text}.` : `Measured on (${names.join(', ')}): ${text}.`),
  );
  return [markdownTable(promisesOf(results)), ...origins].join('\n\n');
}

/** One benchmark in full: how, when, with what command, every figure and note. */
function details(result: StoredResult): string {
  const notes = result.notes.map((note) => wrapped(`- ${note}`, '  ')).join('\n');
  return [
    wrapped(result.method),
    wrapped(
      `\`${result.command}\`, ${day(result.date)}, took ${Math.ceil(result.duration / 60)} min on ${machineText(result.machine)}.`,
    ),
    tablesOf(result).map(markdownTable).join('\n\n'),
    notes,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** What an unmeasured benchmark says of itself. */
const pending = (method: string, name: string): string =>
  `${wrapped(method)}\n\nNot measured yet: \`npm run bench -- ${name}\`.`;

/**
 * The content of every block that pages may hold, by name: `headlines` for the front page, `figures` for the summary,
 * `figures:NAME` for one benchmark, `figures-table:NAME` for its tables alone.
 */
export function pageBlocks(
  benchmarks: readonly Benchmark[],
  results: readonly StoredResult[],
): ReadonlyMap<string, string> {
  const blocks = new Map<string, string>([
    ['figures', summary(results)],
    ['headlines', `${headlineTable(benchmarks, results)}\n\n${wrapped(missedPromises(results))}`],
  ]);
  for (const { name, method } of benchmarks) {
    blocks.set(`figures:${name}`, pending(method, name));
    blocks.set(`figures-table:${name}`, `Not measured yet: \`npm run bench -- ${name}\`.`);
  }
  for (const result of results) {
    blocks.set(`figures:${result.benchmark}`, details(result));
    blocks.set(`figures-table:${result.benchmark}`, tablesOf(result).map(markdownTable).join('\n\n'));
  }
  return blocks;
}

/** Replaces what stands between `<!-- name -->` and `<!-- /name -->`; a text without that block is returned as it is. */
export function replaceBlock(text: string, name: string, content: string): string {
  const opening = `<!-- ${name} -->`;
  const closing = `<!-- /${name} -->`;
  const from = text.indexOf(opening);
  const to = text.indexOf(closing, from);
  if (from < 0 || to < 0) return text;
  return `${text.slice(0, from + opening.length)}\n${content}\n${text.slice(to)}`;
}
