import type { Command } from 'commander';

const flagsOf = (command: Command): string[] =>
  command.options
    .filter(({ hidden }) => !hidden)
    .flatMap(({ short, long }) => [short, long].filter((flag) => flag !== undefined));

/** Completion for bash, of the program as it is: commands, and the options of each; files everywhere else. */
export function bashCompletion(program: Command): string {
  const commands = program.commands.map((command) => command.name());
  const cases = program.commands.map((command) => {
    const words = [...command.commands.map((part) => part.name()), ...flagsOf(command), '--help'];
    return `    *:${command.name()}) words="${words.join(' ')}" ;;`;
  });
  return `# bash completion for wayside, made from its commands
_wayside() {
  local words="" current="\${COMP_WORDS[COMP_CWORD]}"
  case "$COMP_CWORD:\${COMP_WORDS[1]}" in
    1:*) words="${[...commands, 'help', '--help', '--version'].join(' ')}" ;;
${cases.join('\n')}
  esac
  if [ "$COMP_CWORD" = 1 ] || [ "\${current#-}" != "$current" ]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  fi
}
complete -o default -F _wayside wayside
`;
}
