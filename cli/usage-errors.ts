import type { CommanderError } from 'commander';
import { WaysideError } from '../core/errors.ts';
import { redactUrls } from '../core/journal/redact-urls.ts';

const SUGGESTION = /\n?\(Did you mean (.*?)\?\)/s;

/** Commander's complaint about the command line, in Wayside's own shape: USAGE, one line, the nearest option as the hint. */
export function usageError({ code, message }: CommanderError): WaysideError {
  if (code === 'commander.help') {
    return new WaysideError('USAGE', { message: 'no command was given', hint: 'for example `wayside inspect MODEL`' });
  }
  const suggestion = SUGGESTION.exec(message)?.[1];
  return new WaysideError('USAGE', {
    // Commander repeats the argument, which may be an address with a password.
    message: redactUrls(
      message
        .replace(SUGGESTION, '')
        .replace(/^error: /, '')
        .trim()
        .replace(/\s*\n\s*/g, ' '),
    ),
    hint:
      suggestion === undefined ? '`wayside COMMAND --help` lists what a command takes' : `did you mean ${suggestion}?`,
  });
}
