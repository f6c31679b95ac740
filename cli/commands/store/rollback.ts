import { Command, Option } from 'commander';
import { type Context, running } from '../../running.ts';
import { requireNoAgent, type StoreOptions, socketOption, storeOption } from './options.ts';

interface RollbackOptions extends StoreOptions {
  readonly model?: string;
}

export function rollbackCommand(): Command {
  return new Command('rollback')
    .summary('go back to the good package before, by hand')
    .description(
      'Takes back what runs, for the good package before it or the one that came with the software. The daemon takes it at its next reload.',
    )
    .addOption(storeOption())
    .addOption(socketOption())
    .addOption(new Option('--model <name>', 'the model, where several have slots'))
    .action(running(rollback));
}

async function rollback({ report }: Context, { store: root, socket, model }: RollbackOptions): Promise<void> {
  const [{ modelsIn, modelsWithSlots }, { ModelStore }, { diskFiles }, { asOwner }, { WaysideError }] =
    await Promise.all([
      import('../../../deploy/store/status.ts'),
      import('../../../deploy/store/model-store.ts'),
      import('../../../core/file-system.ts'),
      import('../../../deploy/store/as-owner.ts'),
      import('../../../core/errors.ts'),
    ]);
  const names = await modelsIn(root);
  const meant = model === undefined ? await modelsWithSlots(root) : names.filter((each) => each === model);
  const [name, ...others] = meant;
  if (name === undefined || others.length > 0) {
    const message = `expected one model, ${root} has ${names.join(', ') || 'none'}`;
    throw new WaysideError('USAGE', { message, hint: 'name it with --model' });
  }
  await requireNoAgent(socket);
  const { place, version } = await asOwner(root, async () => {
    const store = new ModelStore(diskFiles, root, name);
    await store.open();
    const back = await store.rollBack('rolled back by hand');
    return { place: back, version: (await store.runnable())?.manifest.version ?? null };
  });
  report({
    document: { store: root, name, place, version },
    text: `${name} goes back to ${version}, ${place}: at the next reload of the daemon (systemctl reload wayside)`,
  });
}
