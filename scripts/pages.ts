import type { Argument, Command, Option } from 'commander';
import { wrapped } from '../bench/harness/pages/wrap.ts';
import { createProgram } from '../cli/program.ts';
import { ERROR_CODES, Exit } from '../core/error-codes.ts';

const MADE = '<!-- Written by `npm run docs` from the sources; a test keeps it equal. -->';

const row = (...cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;

const EXIT_MEANINGS: Readonly<Record<keyof typeof Exit, string>> = {
  ok: 'done',
  failed: 'the command ran and its answer is no',
  usage: 'the command line is wrong',
  data: 'an input is damaged, does not fit, or is not supported',
  noInput: 'an input does not exist or cannot be read',
  unavailable: 'a camera, broker or decoder is not reachable',
  software: 'a fault of Wayside, or of a part it relies on',
  io: 'a result could not be written',
  config: 'the configuration is wrong; with `--wait`, as units start it, a daemon waits for it instead',
  interrupted: 'stopped by Ctrl-C or SIGTERM; nothing was left behind',
};

/** `docs/reference/errors.md`: every exit code and error code. */
export function errorsPage(): string {
  const exits = Object.entries(Exit).map(([name, code]) => row(String(code), EXIT_MEANINGS[name as keyof typeof Exit]));
  const codes = Object.entries(ERROR_CODES).map(([code, { exit, meaning }]) =>
    row(`\`${code}\``, String(exit), meaning),
  );
  return [
    MADE,
    '# Errors and exit codes',
    '',
    'A command that fails prints `error CODE: what happened` and, where there is one, `hint: what to do` on stderr, leaves no',
    'output behind, and ends with the exit code of its error (BSD `sysexits.h`). With `--json`, stdout carries one document',
    'all the same: `{"error": {"code", "message", "hint"}}`. A code is never renamed, only retired. `WAYSIDE_DEBUG=1` adds',
    'the stack trace.',
    '',
    '## Exit codes',
    '',
    row('exit', 'meaning'),
    row('---', '---'),
    ...exits,
    '',
    '## Error codes',
    '',
    row('code', 'exit', 'meaning'),
    row('---', '---', '---'),
    ...codes,
    '',
  ].join('\n');
}

const argumentText = ({ required, variadic }: Argument, name: string): string => {
  const text = variadic ? `${name}...` : name;
  return required ? `<${text}>` : `[${text}]`;
};

/** `wayside repo sign`: with the commands above it. */
function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

/** Those that do something: a command made of others is described by them. */
const withParts = (commands: readonly Command[]): readonly Command[] =>
  commands.flatMap((command) => [command, ...withParts(command.commands)]);

const usage = (command: Command): string =>
  [
    fullName(command),
    ...(command.commands.length > 0 ? ['COMMAND'] : []),
    '[options]',
    ...command.registeredArguments.map((argument) => argumentText(argument, argument.name())),
  ].join(' ');

function described({
  description,
  defaultValue,
  defaultValueDescription,
}: Pick<Option, 'description' | 'defaultValue' | 'defaultValueDescription'>): string {
  return defaultValue === undefined || defaultValue === false
    ? description
    : `${description} (default: ${defaultValueDescription ?? String(defaultValue)})`;
}

const visibleOptions = (command: Command): readonly Option[] => command.options.filter(({ hidden }) => !hidden);

function commandSection(command: Command): string[] {
  const args = command.registeredArguments.map((argument) =>
    row(`\`${argumentText(argument, argument.name())}\``, argument.description),
  );
  const options = visibleOptions(command).map((option) => row(`\`${option.flags}\``, described(option)));
  return [
    `## ${fullName(command)}`,
    '',
    wrapped(command.description()),
    '',
    '```',
    usage(command),
    '```',
    '',
    ...(args.length + options.length === 0
      ? []
      : [row('argument or option', 'meaning'), row('---', '---'), ...args, ...options, '']),
  ];
}

/** `docs/reference/cli.md`: every command with its options. */
export function cliPage(): string {
  const { commands } = createProgram();
  return [
    MADE,
    '# The command line',
    '',
    'Results go to stdout, progress and errors to stderr. Every command takes `--json`: exactly one JSON document on stdout.',
    'Accuracies are fractions from 0 to 1, sizes are bytes, `latencyMs` is the median of one image on one thread.',
    'Exit codes and error codes: [errors.md](errors.md).',
    '',
    ...withParts(commands).flatMap(commandSection),
  ].join('\n');
}

/** roff reads a leading dot or apostrophe as a request and a backslash as an escape; hyphens of options are minus signs. */
const roff = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1');

/** `docs/reference/man/wayside.1`: the same as a manual page; a box has one of its own commands. */
export function manualPage(program = createProgram()): string {
  const section = (command: Command): string[] => [
    `.SS ${roff(usage(command))}`,
    roff(command.description()),
    ...[
      ...command.registeredArguments.map((argument) => ({ term: argument.name(), text: argument.description })),
      ...visibleOptions(command).map((option) => ({ term: option.flags, text: described(option) })),
    ].flatMap(({ term, text }) => ['.TP', `.B ${roff(term)}`, roff(text)]),
  ];
  return [
    '.\\" Written by `npm run docs` from the sources; a test keeps it equal.',
    '.TH WAYSIDE 1 "" "wayside" "User Commands"',
    '.SH NAME',
    `wayside \\- ${roff(program.description())}`,
    '.SH SYNOPSIS',
    '.B wayside',
    '.I command',
    '[options] [arguments]',
    '.SH COMMANDS',
    ...withParts(program.commands).flatMap(section),
    '.SH EXIT STATUS',
    ...Object.entries(Exit).flatMap(([name, code]) => [
      '.TP',
      `.B ${code}`,
      roff(EXIT_MEANINGS[name as keyof typeof Exit]),
    ]),
    '.SH ENVIRONMENT',
    ...[
      ['NO_COLOR', 'set to anything: no colours'],
      ['WAYSIDE_LOG', 'level of the log: trace, debug, info, warn, error, fatal, silent'],
      ['WAYSIDE_PROGRESS', 'set to off: no progress on stderr'],
      ['WAYSIDE_DEBUG', 'set to 1: stack traces of errors'],
    ].flatMap(([name = '', text = '']) => ['.TP', `.B ${name}`, roff(text)]),
    '',
  ].join('\n');
}
