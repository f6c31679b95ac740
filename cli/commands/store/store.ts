import { Command } from 'commander';
import { importCommand } from './import.ts';
import { rollbackCommand } from './rollback.ts';
import { statusCommand } from './status.ts';
import { verifyCommand } from './verify.ts';

export function storeCommand(): Command {
  const group = new Command('store')
    .summary('the models on a box: what runs, what is kept')
    .description('The store of models on a box: two slots for each model, and the package that came with the software.')
    .helpCommand('help [command]', 'print the help of a command');
  for (const command of [statusCommand(), verifyCommand(), importCommand(), rollbackCommand()])
    group.addCommand(command);
  return group;
}
