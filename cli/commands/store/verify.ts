import { Command } from 'commander';
import { type Context, running } from '../../running.ts';
import { type StoreOptions, storeOption } from './options.ts';
import { modelText } from './status.ts';

export function verifyCommand(): Command {
  return new Command('verify')
    .summary('check every byte of every package; ends with an error where one is damaged')
    .description('Checks every byte of every package of a store, and that each model has one that can run.')
    .addOption(storeOption())
    .action(running(verify));
}

async function verify({ report, paint }: Context, { store }: StoreOptions): Promise<void> {
  const [{ modelsIn, modelStatus }, { WaysideError }] = await Promise.all([
    import('../../../deploy/store/status.ts'),
    import('../../../core/errors.ts'),
  ]);
  const models = await Promise.all((await modelsIn(store)).map((name) => modelStatus(store, name)));
  const problems = models.flatMap(({ name, places, damaged }) => [
    ...places.flatMap(({ place, problem }) => (problem === null ? [] : [`${name}, ${place}: ${problem}`])),
    ...damaged.map((path) => `${path} cannot be read`),
    ...(places.some(({ runs }) => runs) ? [] : [`${name}: no package can run`]),
  ]);
  if (models.length === 0) problems.push(`${store} holds no models`);
  const [first] = problems;
  if (first !== undefined) {
    const more = problems.length === 1 ? '' : ` (and ${problems.length - 1} more: see \`wayside store status\`)`;
    throw new WaysideError('PACKAGE_INVALID', { message: `${first}${more}`, hint: 'install the model again' });
  }
  report({ document: { store, models }, text: models.map((model) => modelText(model, paint)).join('\n\n') });
}
