import { type DestinationStream, type Logger, pino } from 'pino';

export type Log = Logger;

/** Keys whose values never reach a log, at any depth pino's redaction reaches. */
const SECRET_KEYS = ['password', 'passphrase', 'token', 'secret', 'key'];

/** `user:password@` in any URL inside a text: decoders print the address they were given. */
const URL_CREDENTIALS = /([a-z][a-z0-9+.-]*:\/\/)[^/\s@'"]+@/gi;

/** Replaces the credentials of every URL in a text. */
export function redactUrls(text: string): string {
  return text.replace(URL_CREDENTIALS, '$1***@');
}

/**
 * One JSON line an event on stderr (stdout is for data). The level comes from `WAYSIDE_LOG` (trace ... fatal, silent).
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
  return pino(options, destination ?? pino.destination({ dest: 2, sync: true }));
}
