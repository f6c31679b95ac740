import { Command, Option } from 'commander';
import { type Context, running } from '../../running.ts';
import { table } from '../../table.ts';
import { requireNoAgent, type StoreOptions, socketOption, storeOption } from './options.ts';

interface ImportOptions extends StoreOptions {
  readonly promote: boolean;
}

export function importCommand(): Command {
  return new Command('import')
    .summary('install a model package by hand')
    .description(
      'Copies a model package into the spare slot, flushes it, reads it back, and has it run. For workshops and for boxes without a network: nobody signs for it and no traffic tries it. The daemon takes it at its next reload.',
    )
    .argument('<package>', 'folder of a model package')
    .addOption(storeOption())
    .addOption(socketOption())
    .addOption(new Option('--no-promote', 'leave it in the slot, verified: a job for this version takes it from there'))
    .action(running(importByHand));
}

async function importByHand(
  { report }: Context,
  path: string,
  { store: root, socket, promote }: ImportOptions,
): Promise<void> {
  const [{ readPackage }, { ModelStore }, { diskFiles }, { importPackage, openSource }, { asOwner }] =
    await Promise.all([
      import('../../../inference/read-package.ts'),
      import('../../../deploy/store/model-store.ts'),
      import('../../../core/file-system.ts'),
      import('../../../deploy/store/import-package.ts'),
      import('../../../deploy/store/as-owner.ts'),
    ]);
  const opened = await readPackage(path);
  await requireNoAgent(socket);
  const { name, version } = opened.manifest;
  await using source = await openSource(opened);
  const slot = await asOwner(root, async () => {
    const store = new ModelStore(diskFiles, root, name);
    await store.open();
    const written = await importPackage(diskFiles, store, source);
    if (promote) await store.promote(written);
    return written;
  });
  const text = table([
    ['package', `${name} ${version}`],
    ['slot', slot],
    ['runs', promote ? 'at the next reload of the daemon: systemctl reload wayside' : 'not yet'],
  ]);
  report({ document: { store: root, name, version, digest: opened.digest, slot, promoted: promote }, text });
}
