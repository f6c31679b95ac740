import { Command } from 'commander';
import { VERSION } from '../core/layout.ts';

const EXITS = `
Exit codes: 0 done, 64 usage, 65 bad input, 66 input not found, 69 camera or broker not reachable, 70 fault of Wayside,
74 output not written, 78 configuration, 130 interrupted. docs/reference/errors.md explains every error code.
Environment: NO_COLOR=1 no colours, WAYSIDE_LOG=debug more of the log, WAYSIDE_DEBUG=1 stack traces.`;

/** A program of these commands, alike in how they print help and report errors. */
export function assemble(description: string, commands: readonly Command[]): Command {
  const program = new Command('wayside')
    .description(description)
    .version(VERSION, '-V, --version', 'print the version')
    .helpCommand('help [command]', 'print the help of a command')
    .showSuggestionAfterError()
    .addHelpText('after', EXITS);
  for (const command of commands) program.addCommand(command);
  for (const command of withParts(program)) {
    // Errors are printed once, by run.ts, in Wayside's own shape.
    command
      .exitOverride()
      .configureOutput({ outputError: () => {} })
      .helpOption('-h, --help', 'print this help');
    if (command.commands.length === 0) {
      command.option('--json', 'print exactly one JSON document on stdout, also on failure');
    }
  }
  return program;
}

/** A command and those that it is made of. */
const withParts = (command: Command): Command[] => [command, ...command.commands.flatMap(withParts)];
