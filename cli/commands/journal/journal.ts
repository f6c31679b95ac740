import { Command } from 'commander';
import { exportCommand } from './export.ts';
import { statusCommand } from './status.ts';
import { verifyCommand } from './verify.ts';

export function journalCommand(): Command {
  const group = new Command('journal')
    .summary('what a box keeps until it is delivered: check, export, depth')
    .description(
      'The journal of a box: messages that must not be lost, in a hash chain. Every command only reads, also beside a daemon at work.',
    )
    .helpCommand('help [command]', 'print the help of a command');
  for (const command of [statusCommand(), verifyCommand(), exportCommand()]) group.addCommand(command);
  return group;
}
