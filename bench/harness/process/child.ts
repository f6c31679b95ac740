import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { redactUrls } from '../../../core/log.ts';
import type { Accuracy } from '../../../demo/tally.ts';
import { cpuSeconds, peakResident } from './tree.ts';

export interface ChildRun {
  readonly stdout: string;
  readonly stderr: string;
  readonly wallSeconds: number;
  /** Highest resident memory of the process and its children, bytes. */
  readonly peakBytes: number;
  /** User and system time of the process and its children, as of the last look at it: short by at most 0.2 s of each core. */
  readonly cpuSeconds: number;
}

interface ChildOptions {
  readonly signal: AbortSignal;
  readonly env?: Readonly<Record<string, string>>;
}

/** The kernel keeps the high-water mark (VmHWM), so a look misses at most what grew after the last one. */
const LOOK_EVERY_MS = 200;

/** Follows memory and time of a process until it ends. */
async function watch(pid: number, ended: AbortSignal): Promise<Pick<ChildRun, 'peakBytes' | 'cpuSeconds'>> {
  let [peakBytes, seconds] = [0, 0];
  while (!ended.aborted) {
    peakBytes = Math.max(peakBytes, await peakResident(pid));
    seconds = Math.max(seconds, await cpuSeconds(pid));
    await delay(LOOK_EVERY_MS, undefined, { signal: ended }).catch(() => undefined); // the end is no failure
  }
  return { peakBytes, cpuSeconds: seconds };
}

/**
 * Runs a program to its end, from the root of the checkout.
 *
 * @throws {Error} with the last lines of stderr when it ends with another code than 0
 */
export async function runChild(
  program: string,
  args: readonly string[],
  { signal, env = {} }: ChildOptions,
): Promise<ChildRun> {
  const started = performance.now();
  const child = spawn(program, args, {
    cwd: PACKAGE_ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  const ended = new AbortController();
  const exit = once(child, 'close').finally(() => ended.abort());
  const watched =
    child.pid === undefined ? Promise.resolve({ peakBytes: 0, cpuSeconds: 0 }) : watch(child.pid, ended.signal);
  const [[code, killedBy], stdout, stderr, used] = await Promise.all([
    exit,
    text(child.stdout),
    text(child.stderr),
    watched,
  ]);
  if (code !== 0) {
    const tail = redactUrls(stderr.trim().split('\n').slice(-8).join('\n'));
    throw new Error(`${program} ${args.slice(0, 3).join(' ')} ended with ${code ?? killedBy}\n${tail}`);
  }
  return { stdout, stderr, wallSeconds: (performance.now() - started) / 1000, ...used };
}

/** Accuracy, size and speed of one model as `wayside compress --json` reports them. */
interface ModelFigures {
  /** Share of the samples, 0 to 1. */
  readonly top1: number;
  readonly samples: number;
  readonly bytes: number;
  /** Median of one image on one thread. */
  readonly latencyMs: number;
}

/** One stage of a compress: what it left, measured on the validation images or, without any, the test images. */
export interface StageReport {
  readonly name: string;
  readonly top1: number;
  readonly samples?: number;
  readonly bytes: number;
  readonly flops: number;
  readonly params: number;
  readonly latencyMs: number;
  readonly seconds: number;
}

export interface CompressReport {
  readonly package: string;
  readonly baseline: ModelFigures;
  readonly candidate: ModelFigures;
  /** Top-1 of the candidate less that of the baseline, and its 95% interval, points. */
  readonly change: { readonly points: number; readonly low: number; readonly high: number };
  /** Top-1 on the images of `--validation`, 0 to 1. */
  readonly validation?: { readonly samples: number; readonly baseline: number; readonly candidate: number };
  readonly uniqueWeights: { readonly before: number; readonly after: number };
  readonly fused: { readonly quantized: number; readonly float: readonly unknown[] };
  readonly stages: readonly StageReport[];
}

/** What `wayside train --json` says when it is done. */
export interface TrainReport {
  readonly seconds: number;
  /** Images it learned from, and of those set aside. */
  readonly trained: number;
  readonly validated: number;
  /** On the images set aside, 0 to 1. */
  readonly accuracy: number;
  readonly epochs: readonly { readonly picturesPerSecond: number }[];
}

/** Runs the command line as a user would: `wayside ARGS --json`. */
async function wayside<T>(args: readonly string[], options: ChildOptions): Promise<T> {
  const { stdout } = await runChild(process.execPath, waysideArguments(args), options);
  return JSON.parse(stdout) as T;
}

const waysideArguments = (args: readonly string[]): string[] => [
  join(PACKAGE_ROOT, 'bin', 'wayside.js'),
  ...args,
  '--json',
];

/** What `wayside prune --json` says when it is done. */
export interface PruneReport {
  readonly model: string;
  readonly stages: readonly StageReport[];
}

/** The same with what the run took. */
export async function waysidePrune(
  args: readonly string[],
  options: ChildOptions,
): Promise<{ readonly report: PruneReport; readonly run: ChildRun }> {
  const run = await runChild(process.execPath, waysideArguments(['prune', ...args]), options);
  return { report: JSON.parse(run.stdout) as PruneReport, run };
}

/** Sends a command SIGTERM after some time. @returns seconds until it was gone; undefined when it had ended by then */
export async function waysideStopped(
  args: readonly string[],
  afterSeconds: number,
  { signal }: ChildOptions,
): Promise<number | undefined> {
  const child = spawn(process.execPath, waysideArguments(args), { cwd: PACKAGE_ROOT, stdio: 'ignore', signal });
  const exit = once(child, 'close');
  await Promise.race([exit, delay(afterSeconds * 1000, undefined, { signal, ref: false })]);
  if (child.exitCode !== null || child.signalCode !== null) return undefined;
  const sent = performance.now();
  child.kill('SIGTERM');
  await exit;
  return (performance.now() - sent) / 1000;
}

export const waysideCompress = (args: readonly string[], options: ChildOptions): Promise<CompressReport> =>
  wayside(['compress', ...args], options);

export const waysideTrain = (args: readonly string[], options: ChildOptions): Promise<TrainReport> =>
  wayside(['train', ...args], options);

export const waysideFinetune = (args: readonly string[], options: ChildOptions): Promise<TrainReport> =>
  wayside(['finetune', ...args], options);

interface DemoReport {
  readonly frames: number;
  readonly accuracy: Accuracy;
}

export const waysideDemo = (args: readonly string[], options: ChildOptions): Promise<DemoReport> =>
  wayside(['demo', ...args], options);
