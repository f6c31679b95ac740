/** Started by `daemon.ts`: the daemon itself, which also ends when the demonstration is gone. */
import { asWaysideError, formatError } from '../../core/errors.ts';
import { runDaemon } from '../../daemon/main.ts';
import { untilOrphaned } from './link.ts';

runDaemon(process.argv[2] ?? '', { signal: untilOrphaned(), handleSignals: false })
  .catch((thrown: unknown) => {
    const error = asWaysideError(thrown);
    process.stderr.write(`${formatError(error)}\n`);
    process.exitCode = error.exitCode;
  })
  .finally(() => {
    if (process.connected) process.disconnect();
  });
