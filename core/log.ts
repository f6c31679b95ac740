import { type DestinationStream, type Logger, pino } from 'pino';
import { isJournal } from './journal/is-journal.ts';

export { redactUrls } from './journal/redact-urls.ts';

export type Log = Logger;

/** Keys whose values never reach a log, at any depth pino's redaction reaches. */
const SECRET_KEYS = ['password', 'passphrase', 'token', 'secret', 'key'];

/** syslog(3) priorities by the levels of pino: journald takes a number in front of a line for that of the line (sd-daemon(3)). */
const PRIORITIES: readonly (readonly [atLeast: number, priority: number])[] = [
  [60, 2],
  [50, 3],
  [40, 4],
  [30, 6],
  [0, 7],
];

export const priorityOf = (level: number): number => PRIORITIES.find(([atLeast]) => level >= atLeast)?.[1] ?? 6;

/** Puts its priority in front of every line. */
export function withPriorities(destination: DestinationStream): DestinationStream {
  const stream = {
    [pino.symbols.needsMetadataGsym]: true,
    lastLevel: 30, // set by pino before every line
    write(line: string): void {
      destination.write(`<${priorityOf(stream.lastLevel)}>${line}`);
    },
  };
  return stream;
}

function stderrStream(): DestinationStream {
  const stderr = pino.destination({ dest: 2, sync: true });
  return isJournal(process.env) ? withPriorities(stderr) : stderr;
}

/**
 * One JSON line an event on stderr (stdout is for data), with its priority where that is the journal. The level comes from `WAYSIDE_LOG` (trace ... fatal, silent).
 */
export function createLog(name: string, destination?: DestinationStream): Log {
  const options = {
    name,
    level: process.env['WAYSIDE_LOG'] ?? 'info',
    base: { name },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    redact: { paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), censor: '***' },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, destination ?? stderrStream());
}
