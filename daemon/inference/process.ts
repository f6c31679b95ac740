import { readSync, writeSync } from 'node:fs';
import { asWaysideError, isSystemError } from '../../core/errors.ts';
import { RUNTIME_VERSION } from '../../inference/runtime.ts';
import type { ExecutionProvider } from '../../inference/session.ts';
import { loadModel } from './load-model.ts';
import { createFrameReader, resultOf, type Upward } from './protocol.ts';

/**
 * The inference process: `node process.js PACKAGE THREADS PROVIDER`, started by the supervisor and by nothing else.
 *
 * It knows no configuration, no network and no secret. Frames come in on stdin, results leave on descriptor 3 (see
 * protocol.ts), and the end of stdin ends it: also when the supervisor was killed. Reads block, which is what this process
 * has to do while there is no frame; pixels go from the pipe into one buffer without an allocation.
 */
const STDIN = 0;
const RESULTS = 3;

/** A signal that has a handler ends a call that waits: with SIGUSR1, which opens the inspector, the process ended. */
function uninterrupted(call: () => number): number {
  for (;;) {
    try {
      return call();
    } catch (thrown) {
      if (!isSystemError(thrown, 'EINTR')) throw thrown;
    }
  }
}

/** Fills the target or answers false at the end of the stream. */
function fillFromStdin(target: Uint8Array): boolean {
  let filled = 0;
  while (filled < target.length) {
    const read = uninterrupted(() => readSync(STDIN, target, filled, target.length - filled, null));
    if (read === 0) return false;
    filled += read;
  }
  return true;
}

function tell(message: Upward): void {
  const line = Buffer.from(`${JSON.stringify(message)}\n`, 'utf8');
  for (let written = 0; written < line.length; ) written += uninterrupted(() => writeSync(RESULTS, line, written));
}

async function serve([dir = '', threads = '1', provider = 'cpu']: readonly string[]): Promise<void> {
  const started = performance.now();
  const loaded = await loadModel(dir, {
    threads: threads === 'auto' ? 'auto' : Number(threads),
    provider: provider as ExecutionProvider, // of a configuration that was checked
  });
  const { identity: model, manifest, execution } = loaded;
  const { labels = null, task = 'classification', purpose = null, counting = null, thresholds } = manifest;
  const loadMs = performance.now() - started;
  tell({
    type: 'ready',
    model,
    labels,
    task,
    purpose,
    counting,
    thresholds,
    runtime: RUNTIME_VERSION,
    execution,
    loadMs,
  });
  const next = createFrameReader(fillFromStdin);
  for (let frame = next(); frame !== undefined; frame = next()) {
    try {
      tell(resultOf(frame.id, await loaded.analyse(frame, frame)));
    } catch (thrown) {
      const { code, message } = asWaysideError(thrown);
      tell({ type: 'failed', id: frame.id, code, message });
    }
  }
}

// Ctrl-C reaches the whole process group: the supervisor drains first and then closes stdin.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
try {
  await serve(process.argv.slice(2));
} catch (thrown) {
  const { code, message, exitCode } = asWaysideError(thrown);
  process.exitCode = exitCode;
  try {
    tell({ type: 'fatal', code, message });
  } catch (cause) {
    // Nobody listens any more: the supervisor is gone, and so is whoever would read stderr.
    if (!isSystemError(cause, 'EPIPE')) throw cause;
  }
}
