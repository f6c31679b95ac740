// Runs the tests of all three projects of `vitest.config.ts`, and ends with one closing line: `N passed, N failed, N skipped`.
//
//   node scripts/test.mjs [what `vitest run` takes: FILE..., -t NAME, ...]
//
// First what is quick. Then what computes for long beside what waits: waiting leaves the processors idle for half of its time, and what
// computes takes what is left.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const given = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'wayside-tests-'));
const running = new Set();
/** A thirtieth of what others get of a processor (Linux weighs 36 against 1,024), and still something where they would take all. */
const NICE = 15;

/** Whole lines of a child, so that those of two never mix. */
function passOn(from, to) {
  let rest = '';
  from.setEncoding('utf8').on('data', (text) => {
    const lines = rest + text;
    const end = lines.lastIndexOf('\n') + 1;
    to.write(lines.slice(0, end));
    rest = lines.slice(end);
  });
  from.on('end', () => to.write(rest));
}

/** What one project's run ended with: `test/support/reporter.ts` writes it. */
function run(project, { alone = false, yields = false } = {}) {
  const closing = join(folder, `${project}.json`);
  const args = ['run', '--project', project, '--passWithNoTests', ...given];
  const child = spawn(process.execPath, [join(root, 'node_modules', 'vitest', 'vitest.mjs'), ...args], {
    cwd: root,
    stdio: alone ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, WAYSIDE_TEST_RUN: project, WAYSIDE_TEST_CLOSING: closing },
  });
  running.add(child);
  if (yields && child.pid !== undefined) setPriority(child.pid, NICE);
  if (!alone) {
    passOn(child.stdout, process.stdout);
    passOn(child.stderr, process.stderr);
  }
  return new Promise((resolve) => {
    const ended = (how) => {
      running.delete(child);
      const end = existsSync(closing) ? JSON.parse(readFileSync(closing, 'utf8')) : undefined;
      if (end !== undefined && (how === undefined || end.failed > 0)) return resolve(end);
      const { lines = [], passed = 0, failed = 0, skipped = 0 } = end ?? {};
      return resolve({ passed, skipped, failed: failed + 1, lines: [...lines, `${project}: Vitest ended by ${how}`] });
    };
    child.once('error', (error) => ended(error.message));
    child.once('close', (code, signal) => ended(signal ?? (code === 0 ? undefined : `exit ${code}`)));
  });
}

let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    stopped = true;
    // A terminal interrupts the children as well, and Vitest takes a second interruption for an order to leave at once.
    if (signal !== 'SIGINT') for (const child of running) child.kill(signal);
  });
}

try {
  const quick = await run('fast', { alone: true });
  const long = stopped ? [] : await Promise.all([run('waiting'), run('slow', { yields: true })]);
  const ends = [quick, ...long];
  const sum = (kind) => ends.reduce((total, end) => total + end[kind], 0);
  for (const line of ends.flatMap(({ lines }) => lines)) console.log(line);
  if (sum('passed') + sum('failed') + sum('skipped') === 0) console.log('no test is named so');
  console.log(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`);
  process.exitCode = stopped || sum('failed') > 0 || sum('passed') + sum('skipped') === 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
