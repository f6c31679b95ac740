import { Command, InvalidArgumentError, Option } from 'commander';
import { WaysideError } from '../../../core/errors.ts';
import { durationMs } from '../../options/broker.ts';
import { decimal, integer } from '../../options/common.ts';
import { type Context, running } from '../../running.ts';
import { type OfficeFlags, officeOptions, withOffice } from './connection.ts';
import { changeAndDrive, type DrivingFlags, drivingOptions } from './driving.ts';

interface StartFlags extends OfficeFlags, DrivingFlags {
  readonly waves: string;
  readonly group?: readonly string[];
  readonly tag?: readonly string[];
  readonly hardware?: readonly string[];
  readonly manual?: true;
  readonly success: number;
  readonly failures: number;
  readonly timeout: number;
  readonly deadline: number;
  readonly minServed: number;
  readonly onFailure: 'stop' | 'roll-back' | 'roll-back-all';
  readonly spread?: number;
  readonly trialLimit?: ReadonlyMap<string, number>;
  readonly trialHours?: number;
}

const several = (text: string, before: readonly string[] = []): string[] => [...before, text];

function trialLimit(text: string, before: ReadonlyMap<string, number> = new Map()): Map<string, number> {
  const [, name = '', value = ''] = /^([A-Za-z.]+)=(\S+)$/.exec(text) ?? [];
  const number = Number(value);
  if (value === '' || !Number.isFinite(number))
    throw new InvalidArgumentError('It must be NAME=NUMBER, such as slower.margin=0.2.');
  return new Map(before).set(name, number);
}

function modelOf(text: string): { name: string; version: string } {
  const [, name, version] = /^([a-z0-9][a-z0-9._-]{0,63})@([a-z0-9][a-z0-9.+_-]{0,63})$/i.exec(text) ?? [];
  if (name !== undefined && version !== undefined) return { name, version };
  throw new InvalidArgumentError('It must be NAME@VERSION, such as vehicles@2.');
}

export function startCommand(): Command {
  const command = new Command('start')
    .summary('begin a rollout and drive it until it ends')
    .description(
      'Tells boxes to take a model, wave by wave, and stops when too many fail. It sends jobs over MQTT, which have no authority: boxes take only what their repository has signed. Stopped with Ctrl-C, it can be gone on with from any machine: `wayside rollout resume`.',
    )
    .argument('<name@version>', 'the model, as it is published', modelOf);
  const options = [
    ...officeOptions(),
    new Option('--waves <list>', 'how many boxes run the model after each wave: canary, a count, a share, all').default(
      'canary,5%,25%,all',
    ),
    new Option('--group <name>', 'boxes of this group alone; may be repeated, any will do').argParser(several),
    new Option('--tag <name>', 'boxes with this tag alone; may be repeated').argParser(several),
    new Option(
      '--hardware <architecture>',
      'boxes of this architecture alone, such as x64 or arm64; may be repeated',
    ).argParser(several),
    new Option('--auto', 'begin each wave when the one before succeeded: the default').conflicts('manual'),
    new Option('--manual', 'wait after each wave until `wayside rollout resume`'),
    new Option('--success <share>', 'share of a wave that must succeed before the next')
      .argParser(decimal(0, 1))
      .default(0.98),
    new Option('--failures <share>', 'share of a wave that may fail before everything stops')
      .argParser(decimal(0, 1))
      .default(0.02),
    new Option('--timeout <time>', 'a box that has not moved for so long counts as failed, and may join later')
      .argParser(durationMs)
      .default(1_800_000, '30m'),
    new Option('--deadline <time>', 'a box that has not ended so long after its wave began counts as failed')
      .argParser(durationMs)
      .default(86_400_000, '24h'),
    new Option('--min-served <n>', 'frames that the new model must have answered before its box counts')
      .argParser(integer(0))
      .default(100),
    new Option(
      '--on-failure <what>',
      'when too many fail: stop; roll-back: also take the model back from that wave and later ones; roll-back-all: from every box',
    )
      .choices(['stop', 'roll-back', 'roll-back-all'])
      .default('stop'),
    new Option(
      '--spread <minutes>',
      'the boxes of the last wave begin within so long, each at a moment of its own, so that they do not all fetch at once; 0: at once. Without it half a second a box, where that is a minute or more',
    ).argParser(decimal(0, 10_080)),
    new Option(
      '--trial-limit <name=value>',
      'a limit of the trials on the boxes, stricter than theirs, such as slower.margin=0.2; may be repeated. A box refuses a job that is looser than its configuration',
    ).argParser(trialLimit),
    new Option(
      '--trial-hours <n>',
      'an undecided trial ends after so long: at most what the box is configured to',
    ).argParser(decimal(0.01, 720)),
    ...drivingOptions(),
  ];
  for (const option of options) command.addOption(option);
  return command.action(running(start, { serves: true }));
}

async function start(context: Context, model: { name: string; version: string }, flags: StartFlags): Promise<void> {
  const [{ starting }, { parseWaves }, { operatorName }, { jobLimits }] = await Promise.all([
    import('../../../deploy/rollout/begin-rollout.ts'),
    import('../../../deploy/rollout/waves.ts'),
    import('../../../deploy/rollout/jobs.ts'),
    import('../../../deploy/trial/job-limits.ts'),
  ]);
  const waves = parseWaves(flags.waves);
  const named = new Map(flags.trialLimit);
  if (flags.trialHours !== undefined) named.set('longestHours', flags.trialHours);
  const trial = jobLimits(named);
  if ('wrong' in trial) throw new WaysideError('USAGE', { message: `--trial-limit ${trial.wrong}` });
  const change = starting({
    model,
    waves,
    selection: {
      groups: [...(flags.group ?? [])],
      tags: [...(flags.tag ?? [])],
      hardware: [...(flags.hardware ?? [])],
    },
    policy: {
      automatic: flags.manual !== true,
      success: flags.success,
      failures: flags.failures,
      silentMs: flags.timeout,
      deadlineMs: flags.deadline,
      minServed: flags.minServed,
      onFailure: flags.onFailure,
      ...(flags.spread === undefined ? {} : { spreadSeconds: Math.round(60 * flags.spread) }),
    },
    ...(named.size === 0 ? {} : { limits: trial.limits }),
    startedBy: operatorName(),
  });
  await withOffice(context, flags, (office) => changeAndDrive(office, change, context, flags));
}
