import { Command } from 'commander';
import type { Paint } from '../../../core/terminal/colour.ts';
import type { ModelStatus, PlaceStatus } from '../../../deploy/store/status.ts';
import { type Context, running } from '../../running.ts';
import { table } from '../../table.ts';
import { type StoreOptions, storeOption } from './options.ts';

export function statusCommand(): Command {
  return new Command('status')
    .summary('say what runs, what each slot holds, and how the last job ended')
    .description('Says of every model of a store what runs, what each slot holds and how the last job ended.')
    .addOption(storeOption())
    .action(running(status));
}

async function status({ report, paint }: Context, { store }: StoreOptions): Promise<void> {
  const { modelsIn, modelStatus, requireStore } = await import('../../../deploy/store/status.ts');
  await requireStore(store);
  const names = await modelsIn(store);
  const models = await Promise.all(names.map((name) => modelStatus(store, name)));
  const text =
    models.length === 0 ? `${store} holds no models` : models.map((model) => modelText(model, paint)).join('\n\n');
  report({ document: { store, models }, text });
}

/** One model of a store, for a person. */
export function modelText({ name, places, jobs, bad, damaged }: ModelStatus, paint: Paint): string {
  const row = ({ place, condition, version, digest, reason, runs, problem }: PlaceStatus): string[] => [
    runs ? `${place}, runs` : place,
    problem === null ? condition : paint('red', `${condition}, damaged`),
    version ?? '',
    digest?.slice(0, 19) ?? '',
    problem ?? reason ?? '',
  ];
  const { wanted } = jobs;
  const job = wanted && `job ${wanted.job}: ${wanted.action ?? 'install'} ${wanted.version}, ${wanted.outcome}`;
  return [
    table([[name, 'condition', 'version', 'digest', ''], ...places.map(row)]),
    ...(job === undefined ? [] : [wanted?.reason === undefined ? job : `${job} (${wanted.reason})`]),
    ...bad.map(({ version, reason }) => `known to be bad: ${version}, ${reason}`),
    ...damaged.map((path) => paint('red', `damaged: ${path}`)),
  ].join('\n');
}
