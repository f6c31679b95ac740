import { Command } from 'commander';
import { changeCommands } from './changes.ts';
import { startCommand } from './start.ts';
import { statusCommand, watchCommand } from './watch.ts';

export function rolloutCommand(): Command {
  const group = new Command('rollout')
    .summary('push a published model to boxes, wave by wave')
    .description(
      'Tells boxes over MQTT to take a model that the repository has published: a few first, more when those do well, back when they do not.',
    )
    .helpCommand('help [command]', 'print the help of a command');
  for (const command of [startCommand(), watchCommand(), statusCommand(), ...changeCommands()])
    group.addCommand(command);
  return group;
}
