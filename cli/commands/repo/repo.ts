import { Command } from 'commander';
import { addCommand } from './add.ts';
import { delegateCommand } from './delegate.ts';
import { initCommand } from './init.ts';
import { keyCommand } from './key.ts';
import { publishCommand } from './publish.ts';
import { refreshCommand } from './refresh.ts';
import { rotateCommand } from './rotate.ts';
import { serveCommand } from './serve.ts';
import { signCommand } from './sign.ts';
import { statusCommand } from './status.ts';

export function repoCommand(): Command {
  const group = new Command('repo')
    .summary('the update repository: keys, targets, signatures, publication')
    .description(
      'The update repository of the office (The Update Framework): what boxes may install, signed by a threshold of keys, as plain files that any web server serves.',
    )
    .helpCommand('help [command]', 'print the help of a command');
  const commands = [
    keyCommand(),
    initCommand(),
    delegateCommand(),
    addCommand(),
    signCommand(),
    publishCommand(),
    rotateCommand(),
    statusCommand(),
    refreshCommand(),
    serveCommand(),
  ];
  for (const command of commands) group.addCommand(command);
  return group;
}
