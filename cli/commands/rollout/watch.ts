import { Command } from 'commander';
import type { Office } from '../../../deploy/rollout/office.ts';
import type { Plan } from '../../../deploy/rollout/planner.ts';
import { type Context, running } from '../../running.ts';
import { type OfficeFlags, officeOptions, withOffice } from './connection.ts';
import { linesOption, viewOf } from './driving.ts';

const LOOK_MS = 500;

export function watchCommand(): Command {
  const command = new Command('watch')
    .summary('show a rollout live, until it ends')
    .description('Shows the rollout of a site until it ends. It only listens: any number of people may.');
  for (const option of [...officeOptions(), linesOption()]) command.addOption(option);
  return command.action(running(watch, { serves: true }));
}

export function statusCommand(): Command {
  const command = new Command('status')
    .summary('say once where a rollout is')
    .description('Says once where the rollout of a site is, wave by wave, and which boxes failed.');
  for (const option of officeOptions()) command.addOption(option);
  return command.action(running(status));
}

/** What the office that drives sees, without acting on it. */
async function planOf(office: Office): Promise<Plan> {
  const { standings } = await import('../../../deploy/rollout/planner.ts');
  const { rollout } = office;
  const waves = standings(rollout, office.fleet.boxes, Date.now());
  return { rollout, waves, orders: new Map(), withdrawn: [], group: undefined };
}

async function watch(context: Context, flags: OfficeFlags & { readonly lines?: true }): Promise<void> {
  const { signal, report } = context;
  await withOffice(context, flags, async (office) => {
    await office.record.read();
    const [{ isEnded }, { summaryOf }, { rolloutLine }] = await Promise.all([
      import('../../../deploy/rollout/planner.ts'),
      import('../../../deploy/rollout/summary.ts'),
      import('../../rollout-screen.ts'),
    ]);
    const view = await viewOf(office, flags.lines === true);
    try {
      for (;;) {
        view.show(await planOf(office));
        if (signal.aborted || isEnded(office.rollout)) break;
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
    } finally {
      view.end();
    }
    const summary = summaryOf(office, await planOf(office));
    if (flags.lines !== true) report({ document: summary, text: rolloutLine(summary) });
  });
}

async function status(context: Context, flags: OfficeFlags): Promise<void> {
  await withOffice(context, flags, async (office) => {
    await office.record.read();
    const [{ summaryOf }, { rolloutScreen }] = await Promise.all([
      import('../../../deploy/rollout/summary.ts'),
      import('../../rollout-screen.ts'),
    ]);
    // The record of a driver that was killed still names it: it is heard, or it is gone.
    const driver = (await office.record.driver()) ?? null;
    const summary = { ...summaryOf(office, await planOf(office)), driver };
    context.report({ document: summary, text: rolloutScreen(summary, Date.now(), context.paint).join('\n') });
  });
}
