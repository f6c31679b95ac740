import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../core/files.ts';
import { mapped } from '../../core/intervals.ts';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { type Benchmark, type Figure, isMet, type Outcome } from './benchmark.ts';
import type { Machine } from './machine.ts';

/** A figure as it is written: rounded to six digits, with the verdict. */
export interface StoredFigure extends Figure {
  readonly met?: boolean;
}

/** The content of `bench/results/NAME.json`. */
export interface StoredResult {
  readonly benchmark: string;
  readonly title: string;
  readonly method: string;
  readonly layout: 'grid' | 'grids' | 'list';
  /** ISO 8601, UTC. */
  readonly date: string;
  /** What repeats it, from the root of a checkout. */
  readonly command: string;
  /** Seconds the whole benchmark took. */
  readonly duration: number;
  readonly machine: Machine;
  /** True when every limit is met. */
  readonly met: boolean;
  readonly figures: readonly StoredFigure[];
  readonly notes: readonly string[];
}

const RESULTS_FOLDER = join(PACKAGE_ROOT, 'bench', 'results');

/** Six significant digits: more are noise, and they would make every repetition a change of the whole file. */
const rounded = (value: number): number => Number(value.toPrecision(6));

/** What is published is what is judged: 91.73 - 91.43 is 0.30000000000000004 in floating point. */
function stored(measured: Figure): StoredFigure {
  const { interval } = measured;
  const figure = {
    ...measured,
    value: rounded(measured.value),
    ...(interval && { interval: mapped(interval, rounded) }),
  };
  const met = isMet(figure);
  return { ...figure, ...(met === undefined ? {} : { met }) };
}

interface RunFacts {
  readonly machine: Machine;
  readonly command: string;
  readonly duration: number;
}

export function resultOf(
  benchmark: Benchmark,
  outcome: Outcome,
  { machine, command, duration }: RunFacts,
): StoredResult {
  const figures = outcome.figures.map(stored);
  return {
    benchmark: benchmark.name,
    title: benchmark.title,
    method: benchmark.method,
    layout: benchmark.layout,
    date: new Date().toISOString(),
    command,
    duration: Math.round(duration),
    machine,
    met: figures.every((figure) => figure.met !== false),
    figures,
    notes: outcome.notes,
  };
}

export async function writeResult(result: StoredResult): Promise<string> {
  await mkdir(RESULTS_FOLDER, { recursive: true });
  const path = join(RESULTS_FOLDER, `${result.benchmark}.json`);
  await writeFileAtomic(path, `${JSON.stringify(result, null, 2)}\n`);
  return path;
}

/** Every stored result, in the order given by `names`, then the rest by name. */
export async function readResults(names: readonly string[]): Promise<StoredResult[]> {
  const files = (await readdir(RESULTS_FOLDER)).filter((file) => file.endsWith('.json')).sort();
  const results = await Promise.all(
    files.map(async (file) => JSON.parse(await readFile(join(RESULTS_FOLDER, file), 'utf8')) as StoredResult),
  );
  const rank = ({ benchmark }: StoredResult): number => {
    const at = names.indexOf(benchmark);
    return at < 0 ? names.length : at;
  };
  return results.sort((a, b) => rank(a) - rank(b));
}
