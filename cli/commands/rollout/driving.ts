import { Option } from 'commander';
import { WaysideError } from '../../../core/errors.ts';
import { paintFor } from '../../../core/terminal/colour.ts';
import type { Change, Office } from '../../../deploy/rollout/office.ts';
import type { Plan } from '../../../deploy/rollout/planner.ts';
import type { Context } from '../../running.ts';

export interface DrivingFlags {
  readonly stay?: true;
  readonly lines?: true;
}

export const linesOption = (): Option =>
  new Option('--lines', 'print a JSON document on a line at every change, until the end');

export const drivingOptions = (): Option[] => [
  new Option('--stay', 'go on after the end, for boxes that were silent: jobs are repeated until it is stopped'),
  linesOption(),
];

/** Shows every plan: live on a terminal, on stderr; as JSON lines on stdout where asked. */
export async function viewOf(office: Office, lines: boolean): Promise<{ show: (plan: Plan) => void; end: () => void }> {
  const [{ summaryOf }, { LiveLines }, { rolloutLine, rolloutScreen }] = await Promise.all([
    import('../../../deploy/rollout/summary.ts'),
    import('../../live-lines.ts'),
    import('../../rollout-screen.ts'),
  ]);
  const live = new LiveLines(process.stderr);
  let last = '';
  return {
    show: (plan) => {
      const summary = summaryOf(office, plan);
      if (!lines) return live.draw(rolloutScreen(summary, Date.now(), paintFor(process.stderr)), rolloutLine(summary));
      const text = JSON.stringify(summary);
      if (text !== last) process.stdout.write(`${text}\n`);
      last = text;
    },
    end: () => live.end(),
  };
}

/** Makes a change, and drives what it leaves unless another office does. Being stopped is told: it goes on elsewhere. */
export async function changeAndDrive(
  office: Office,
  change: Change,
  context: Context,
  flags: DrivingFlags,
): Promise<void> {
  const driver = await office.change(change, { drives: true });
  if (driver !== undefined) {
    const { rollout } = office;
    context.report({
      document: { site: office.site, rollout, driver },
      text: `rollout ${rollout.id} is ${rollout.state}; ${driver} goes on with it`,
    });
    return;
  }
  await driveOn(office, context, flags);
}

async function driveOn(office: Office, context: Context, flags: DrivingFlags): Promise<void> {
  const [{ drive }, { summaryOf }, { rolloutLine }, { isEnded, plan }] = await Promise.all([
    import('../../../deploy/rollout/drive.ts'),
    import('../../../deploy/rollout/summary.ts'),
    import('../../rollout-screen.ts'),
    import('../../../deploy/rollout/planner.ts'),
  ]);
  const { signal, report, note } = context;
  const [stays, lines] = [flags.stay === true, flags.lines === true];
  const view = await viewOf(office, lines);
  try {
    await drive(office, { signal, stays, onPlan: view.show });
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  } finally {
    view.end();
  }
  const { rollout } = office;
  const summary = summaryOf(
    office,
    plan(rollout, office.fleet.boxes, Date.now(), () => 0),
  );
  if (signal.aborted && !isEnded(rollout) && rollout.state !== 'stopped')
    note('nobody drives it now: boxes go on with their jobs, and no wave begins until `wayside rollout resume`');
  if (rollout.state === 'stopped' || rollout.state === 'rolled-back')
    if (rollout.reason?.code === 'ROLLOUT_FAILURES' || rollout.reason?.code === 'ROLLOUT_SHORT')
      throw new WaysideError('ROLLOUT_FAILED', {
        message: `rollout ${rollout.id} is ${rollout.state}: ${rollout.reason.message}`,
        hint: 'see `wayside rollout status` for the boxes; `resume` tries again, `rollback` takes back, `abort` ends it',
      });
  if (!lines) report({ document: summary, text: rolloutLine(summary) });
}
