import { cpus } from 'node:os';
import { Command, Option } from 'commander';
import type { Session } from '../../inference/session.ts';
import { bytes, count, milliseconds } from '../format.ts';
import type { Timing } from '../interleaved-timing.ts';
import { integer, type PixelOptions, pixelOptions, threadsOption } from '../options/common.ts';
import { type Context, running } from '../running.ts';
import { table } from '../table.ts';

interface BenchOptions extends Pick<PixelOptions, 'size'> {
  readonly threads: number;
  readonly seconds: number;
}

export function benchCommand(): Command {
  const command = new Command('bench')
    .summary('time models against each other')
    .description(
      'Times models on this machine: latency of one image, load time, memory. Several models run in turns, so that their ' +
        'ratios hold on a machine that is busy with other things.',
    )
    .argument('<models...>', 'ONNX files or folders of model packages')
    .addOption(threadsOption())
    .addOption(
      new Option('--seconds <n>', 'how long to measure, all models together').argParser(integer(1, 3600)).default(10),
    );
  for (const option of pixelOptions()) if (option.attributeName() === 'size') command.addOption(option);
  return command.action(running(benchModels));
}

interface Row extends Timing {
  readonly model: string;
  readonly bytes: number;
  readonly loadMs: number;
  readonly memoryBytes: number;
}

async function benchModels(
  context: Context,
  paths: readonly string[],
  { threads, seconds, size }: BenchOptions,
): Promise<void> {
  const [{ openModel }, { preprocessingFor }, { openSession }, { randomFeeds }, { loadCost }, { timeInterleaved }] =
    await Promise.all([
      import('../../inference/package.ts'),
      import('../pixels.ts'),
      import('../../inference/session.ts'),
      import('../../inference/latency.ts'),
      import('../load-cost.ts'),
      import('../interleaved-timing.ts'),
    ]);
  const { signal, onProgress, report, note } = context;
  const sessions: Session[] = [];
  try {
    const runners = [];
    const facts = [];
    for (const [done, path] of paths.entries()) {
      onProgress({ stage: 'loading', done, total: paths.length });
      const model = await openModel(path);
      const session = await openSession(model.modelPath, { threads });
      sessions.push(session);
      const asked = model.package === undefined && size !== undefined ? { size } : {};
      const pixels = await preprocessingFor(model, session, asked, note);
      runners.push({ session, ...randomFeeds(session, pixels.size) });
      const cost = await loadCost({ model: model.modelPath, threads, size: pixels.size }, signal);
      facts.push({ model: path, bytes: model.bytes, ...cost });
    }
    const timings = await timeInterleaved(runners, seconds, { signal, onProgress });
    const models = facts.flatMap((fact, i) => (timings[i] === undefined ? [] : [{ ...fact, ...timings[i] }]));
    const document = { processor: cpus()[0]?.model ?? 'unknown', threads, models };
    report({
      document,
      text: `${summary(models)}\n\n${document.processor}, ${threads === 1 ? 'one thread' : `${threads} threads`}`,
    });
  } finally {
    for (const session of sessions) await session.close();
  }
}

function summary(rows: readonly Row[]): string {
  const head = ['model', 'median', 'p95', 'fastest', 'runs', 'relative', 'load', 'memory', 'size'];
  const body = rows.map((row) => [
    row.model,
    milliseconds(row.medianMs),
    milliseconds(row.p95Ms),
    milliseconds(row.minMs),
    count(row.runs),
    row.relative.toFixed(3),
    milliseconds(row.loadMs),
    bytes(row.memoryBytes),
    bytes(row.bytes),
  ]);
  return table([head, ...body], ['left', ...Array<'right'>(8).fill('right')]);
}
