import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

/**
 * Of 1000: when memory runs out, the kernel ends what has most of it, counted with this share of the machine's on top. A child is
 * replaced within seconds; the supervisor is what replaces it. The unit's OOMScoreAdjust= would hit both.
 */
const CHILD_SCORE = 500;

/** Raises a process's oom_score_adj, never lowers it (which takes a privilege). @returns whether it now is as high */
function raiseOomScore(pid: number): boolean {
  const path = `/proc/${pid}/oom_score_adj`;
  try {
    if (Number(readFileSync(path, 'utf8')) < CHILD_SCORE) writeFileSync(path, String(CHILD_SCORE));
    return true;
  } catch {
    return false; // not Linux, or it ended at once
  }
}

/** Starts a child that goes before its parent when memory runs out. What it starts itself inherits that. */
export function startChild(program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  const child = spawn(program, args, options);
  if (child.pid !== undefined) raiseOomScore(child.pid);
  return child;
}

/** Whether the pipes that were asked for are there: without a file descriptor left, Node gives a child without any and an `error` later. */
export const hasPipes = ({ stdio }: ChildProcess): boolean => (stdio as unknown) !== undefined;
