import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { redactUrls } from '../../core/log.ts';
import type { Accuracy } from '../../demo/tally.ts';
import { peakResident } from './process-tree.ts';

export interface ChildRun {
  readonly stdout: string;
  readonly stderr: string;
  readonly wallSeconds: number;
  /** Highest resident memory of the process and its children, bytes. */
  readonly peakBytes: number;
}

export interface ChildOptions {
  readonly signal: AbortSignal;
  readonly env?: Readonly<Record<string, string>>;
}

/** The kernel keeps the high-water mark (VmHWM), so a look misses at most what grew after the last one. */
const LOOK_EVERY_MS = 200;

/** Follows the memory of a process until it ends. */
async function watchPeak(pid: number, ended: AbortSignal): Promise<number> {
  let peak = 0;
  while (!ended.aborted) {
    peak = Math.max(peak, await peakResident(pid));
    await delay(LOOK_EVERY_MS, undefined, { signal: ended }).catch(() => undefined); // the end is no failure
  }
  return peak;
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
  const peak = child.pid === undefined ? Promise.resolve(0) : watchPeak(child.pid, ended.signal);
  const [[code, killedBy], stdout, stderr, peakBytes] = await Promise.all([
    exit,
    text(child.stdout),
    text(child.stderr),
    peak,
  ]);
  if (code !== 0) {
    const tail = redactUrls(stderr.trim().split('\n').slice(-8).join('\n'));
    throw new Error(`${program} ${args.slice(0, 3).join(' ')} ended with ${code ?? killedBy}\n${tail}`);
  }
  return { stdout, stderr, wallSeconds: (performance.now() - started) / 1000, peakBytes };
}

/** Accuracy, size and speed of one model as `wayside compress --json` reports them. */
export interface ModelFigures {
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

export interface EvaluateReport extends ModelFigures {
  readonly top5: number;
}

/** What `wayside train --json` says when it is done. */
export interface TrainReport {
  readonly seconds: number;
  /** Pictures it learned from, and of those set aside. */
  readonly trained: number;
  readonly validated: number;
  /** On the pictures set aside, 0 to 1. */
  readonly accuracy: number;
  readonly epochs: readonly { readonly picturesPerSecond: number }[];
}

/** Runs the command line as a user would: `wayside ARGS --json`. */
async function wayside<T>(args: readonly string[], options: ChildOptions): Promise<T> {
  const { stdout } = await runChild(
    process.execPath,
    [join(PACKAGE_ROOT, 'bin', 'wayside.js'), ...args, '--json'],
    options,
  );
  return JSON.parse(stdout) as T;
}

export const waysideCompress = (args: readonly string[], options: ChildOptions): Promise<CompressReport> =>
  wayside(['compress', ...args], options);

export const waysideTrain = (args: readonly string[], options: ChildOptions): Promise<TrainReport> =>
  wayside(['train', ...args], options);

export const waysideEvaluate = (args: readonly string[], options: ChildOptions): Promise<EvaluateReport> =>
  wayside(['evaluate', ...args], options);

export interface DemoReport {
  readonly frames: number;
  readonly accuracy: Accuracy;
}

export const waysideDemo = (args: readonly string[], options: ChildOptions): Promise<DemoReport> =>
  wayside(['demo', ...args], options);
