import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from '../error-codes.ts';
import { isSystemError, WaysideError } from '../errors.ts';

const FILE = 'reload.json';
const POLL_MS = 50;

const code = z.enum(Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]]);
const outcomeSchema = z.strictObject({
  /** Of the process that reloaded: counts start anew with it. */
  pid: z.number(),
  count: z.number(),
  refused: z.strictObject({ code, message: z.string(), hint: z.string().nullable() }).nullable(),
});
type Outcome = z.infer<typeof outcomeSchema>;

let reloads = 0;

/**
 * Leaves how a reload ended where whoever asked for it can read it: in the folder that systemd makes for the unit
 * (`RuntimeDirectory=`). Elsewhere nobody waits. SIGHUP itself has no answer, and `Type=notify-reload`, which needs
 * systemd 253, knows of no refusal.
 */
export function recordReload(refused: WaysideError | undefined, environment = process.env): void {
  const folder = environment['RUNTIME_DIRECTORY'];
  if (folder === undefined) return;
  reloads += 1;
  const said =
    refused === undefined ? null : { code: refused.code, message: refused.message, hint: refused.hint ?? null };
  const outcome: Outcome = { pid: process.pid, count: reloads, refused: said };
  const path = join(folder, FILE);
  writeFileSync(`${path}.new`, JSON.stringify(outcome));
  renameSync(`${path}.new`, path);
}

function read(folder: string): Outcome | undefined {
  try {
    return outcomeSchema.parse(JSON.parse(readFileSync(join(folder, FILE), 'utf8')));
  } catch (thrown) {
    if (isSystemError(thrown, 'ENOENT')) return undefined;
    throw thrown;
  }
}

/**
 * Has a process read its configuration again, and waits for how that ends: what `ExecReload=` of a unit runs.
 *
 * @throws {WaysideError} what the process refused the configuration with; USAGE outside of a unit; RELOAD_UNANSWERED
 */
export async function requestReload(
  {
    signal,
    unit,
    withinMs = 50_000,
  }: { readonly signal: AbortSignal; readonly unit: string; readonly withinMs?: number },
  environment = process.env,
): Promise<void> {
  const { MAINPID: main, RUNTIME_DIRECTORY: folder } = environment;
  if (main === undefined || folder === undefined) {
    const message = '`--reload` is for `ExecReload=` of a unit: expected MAINPID and RUNTIME_DIRECTORY, found none';
    throw new WaysideError('USAGE', { message, hint: `run \`systemctl reload ${unit}\`` });
  }
  const pid = Number(main);
  const before = read(folder);
  process.kill(pid, 'SIGHUP');
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    const now = read(folder);
    if (now !== undefined && now.pid === pid && (before?.pid !== pid || now.count > before.count)) {
      if (now.refused === null) return;
      const { code, message, hint } = now.refused;
      throw new WaysideError(code, { message, ...(hint === null ? {} : { hint }) });
    }
    if (performance.now() > giveUpAt) {
      const message = `process ${pid} has not said within ${withinMs / 1000} s how the reload ended`;
      throw new WaysideError('RELOAD_UNANSWERED', { message, hint: `\`journalctl -u ${unit}\` may say why` });
    }
    await pause(POLL_MS, undefined, { signal });
  }
}
