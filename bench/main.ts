import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../core/errors.ts';
import { BENCHMARKS } from './benchmarks/index.ts';
import type { Benchmark } from './harness/benchmark.ts';
import { describeMachine } from './harness/machine.ts';
import { tablesOf, terminalTable } from './harness/pages/table.ts';
import { resultOf, type StoredResult, writeResult } from './harness/results.ts';
import { cacheFolder, missingOf, sharedDataFolder } from './harness/workplace.ts';

const USAGE = `usage: npm run bench -- [NAME...] [--minutes N]

Runs the benchmarks named, or all of them, and writes bench/results/NAME.json.
  --minutes N   length of soak (default 75) and of the endurance part of rtsp (default 10), most that street (60) and
                street-rules (20) take

${BENCHMARKS.map(({ name, title }) => `  ${name.padEnd(22)}${title}`).join('\n')}
`;

const talk = (text: string): void => void process.stderr.write(`${text}\n`);

/** Runs one benchmark in a folder of its own. Undefined when this machine lacks what it needs. */
async function run(
  benchmark: Benchmark,
  minutes: number,
  command: string,
  signal: AbortSignal,
): Promise<StoredResult | undefined> {
  const missing = await missingOf(benchmark.needs);
  if (missing !== undefined) {
    talk(`${benchmark.name}: skipped: ${missing}`);
    return undefined;
  }
  talk(`${benchmark.name}: ${benchmark.title}`);
  const scratch = await mkdtemp(join(tmpdir(), 'wayside-bench-'));
  const started = performance.now();
  try {
    const outcome = await benchmark.run({
      data: sharedDataFolder() ?? '',
      cache: await cacheFolder(),
      scratch,
      minutes,
      signal,
      say: (text) => talk(`  ${text}`),
    });
    if ('skipped' in outcome) {
      talk(`${benchmark.name}: skipped: ${outcome.skipped}`);
      return undefined;
    }
    const duration = (performance.now() - started) / 1000;
    return resultOf(benchmark, outcome, { machine: await describeMachine(), command, duration });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { minutes: { type: 'string' }, help: { type: 'boolean', short: 'h', default: false } },
  });
  const unknown = positionals.filter((name) => !BENCHMARKS.some((benchmark) => benchmark.name === name));
  const asked = values.minutes === undefined ? undefined : Number(values.minutes);
  if (values.help || unknown.length > 0 || (asked !== undefined && !(asked > 0))) {
    if (unknown.length > 0) talk(`no benchmark is named ${unknown.join(', ')}`);
    talk(USAGE);
    return values.help ? 0 : 64;
  }
  const chosen = positionals.length === 0 ? BENCHMARKS : BENCHMARKS.filter(({ name }) => positionals.includes(name));
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

  let missed = 0;
  for (const benchmark of chosen) {
    const minutes = asked ?? benchmark.minutes ?? 0;
    const options = benchmark.minutes === undefined ? '' : ` --minutes ${minutes}`;
    const result = await run(benchmark, minutes, `npm run bench -- ${benchmark.name}${options}`, stop.signal);
    if (result === undefined) continue;
    if (!result.met) missed++;
    const path = await writeResult(result);
    process.stdout.write(`\n${result.title}\n${tablesOf(result).map(terminalTable).join('\n\n')}\n`);
    for (const note of result.notes) process.stdout.write(`- ${note}\n`);
    process.stdout.write(
      `${relative(process.cwd(), path)}: ${result.met ? 'every limit met' : 'A LIMIT WAS MISSED'}\n\n`,
    );
  }
  return missed === 0 ? 0 : 1;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (thrown: unknown) => {
    talk(thrown instanceof Error && process.env.WAYSIDE_DEBUG !== undefined ? String(thrown.stack) : messageOf(thrown));
    process.exitCode = 1;
  },
);
