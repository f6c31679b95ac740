import { Command } from 'commander';
import type { Change } from '../../../deploy/rollout/office.ts';
import { type Context, running } from '../../running.ts';
import { type OfficeFlags, officeOptions, withOffice } from './connection.ts';
import { changeAndDrive, type DrivingFlags, drivingOptions } from './driving.ts';

const CHANGES = {
  pause: {
    summary: 'let no more boxes begin',
    description: 'No wave begins and no box begins; boxes that are at it go on. `resume` goes on.',
    change: 'pausing',
    drives: false,
  },
  resume: {
    summary: 'go on: after a pause, a wave by hand, a stop, or where nobody drives any more',
    description:
      'Goes on with the rollout of a site: after a pause, after a wave with --manual, after a stop (boxes that failed are tried again under a new job), or where the office that drove it is gone.',
    change: 'resuming',
    drives: true,
  },
  abort: {
    summary: 'end a rollout; what was promoted stays',
    description: 'Ends the rollout. Boxes that have not begun find no job any more; what was promoted stays.',
    change: 'aborting',
    drives: true,
  },
  rollback: {
    summary: 'take the model back from every box that was given it',
    description: 'Takes the model back from every box that was given it, also after the rollout has ended.',
    change: 'rollingBack',
    drives: true,
  },
} as const;

/** pause, resume, abort, rollback: a change of the record, and driving it to its end where no other office does. */
export const changeCommands = (): Command[] =>
  Object.entries(CHANGES).map(([name, { summary, description, change, drives }]) => {
    const command = new Command(name).summary(summary).description(description);
    for (const option of [...officeOptions(), ...(drives ? drivingOptions() : [])]) command.addOption(option);
    const act = async (context: Context, flags: OfficeFlags & DrivingFlags): Promise<void> => {
      const made: Change = (await import('../../../deploy/rollout/begin-rollout.ts'))[change];
      await withOffice(context, flags, async (office) => {
        if (drives) await changeAndDrive(office, made, context, flags);
        else await pauseOnce(context, office, made);
      });
    };
    return command.action(running(act, { serves: true }));
  });

/** The orders are withdrawn by the office that drives, or at once where none does. */
async function pauseOnce(
  context: Context,
  office: Parameters<Parameters<typeof withOffice>[2]>[0],
  change: Change,
): Promise<void> {
  const driver = await office.change(change, { drives: false });
  if (driver === undefined) {
    const { withdrawOrders } = await import('../../../deploy/rollout/drive.ts');
    await withdrawOrders(office);
  }
  const { rollout } = office;
  context.report({
    document: { site: office.site, rollout, driver: driver ?? null },
    text: `rollout ${rollout.id} is ${rollout.state}`,
  });
}
