import type { JobState } from '../../contract/messages/model-report.ts';
import type { Body } from '../../contract/messenger.ts';
import type { AgentState } from './agent.ts';
import type { Step, WaitedFor } from './planner.ts';
import { readReason } from './reason.ts';

type Report = Body<'model-report'>;

/** What a box is and belongs to: the office addresses boxes by it. */
interface BoxFacts {
  readonly groups: readonly string[];
  readonly tags: readonly string[];
  readonly architecture: string;
}

/** Reason codes of waiting. */
export const WAITING_CODES: Readonly<
  Record<Exclude<WaitedFor, 'a job' | 'the trial' | 'frames of the new model'>, string>
> = {
  'another attempt': 'WAITING_FOR_ANOTHER_ATTEMPT',
  'the time that the job names': 'WAITING_FOR_ITS_TIME',
  'the maintenance window': 'WAITING_FOR_WINDOW',
  'the daemon': 'WAITING_FOR_DAEMON',
  'room on the disk': 'WAITING_FOR_ROOM',
};

function stateOf(step: Extract<Step, { do: string }>): JobState {
  switch (step.do) {
    case 'look-up':
    case 'download':
      return 'downloading';
    case 'unpack':
    case 'claim':
    case 'roll-back':
      return 'verifying';
    case 'close':
      return step.outcome;
    case 'promote':
    case 'take-over':
      return 'probation';
    case 'collect-garbage':
      return 'waiting';
    default:
      return 'shadow';
  }
}

function progressOf({ step, situation, memory, notice }: AgentState): Pick<Report, 'state' | 'progress' | 'reason'> {
  const wanted = situation?.store.jobs.wanted;
  if (step === undefined || situation?.wanted === undefined) {
    if (notice !== undefined) return { state: 'failed', progress: null, reason: notice };
    const ended = wanted === undefined || wanted.outcome === 'open' ? 'idle' : wanted.outcome;
    return { state: ended, progress: null, reason: wanted?.reason === undefined ? null : readReason(wanted.reason) };
  }
  const progress = memory.progress ?? null;
  if ('do' in step)
    return { state: stateOf(step), progress, reason: step.do === 'close' ? (step.reason ?? null) : null };
  switch (step.wait) {
    case 'a job':
      return { state: 'idle', progress: null, reason: null };
    case 'frames of the new model':
      return { state: 'probation', progress: null, reason: null };
    case 'the trial':
      return {
        state: memory.session?.underWay().phase === 'probation' ? 'probation' : 'shadow',
        progress,
        reason: null,
      };
    default: {
      const until = step.until === undefined ? '' : ` until ${new Date(step.until).toISOString()}`;
      const reason = step.reason ?? { code: WAITING_CODES[step.wait], message: `waits for ${step.wait}${until}` };
      return { state: 'waiting', progress: null, reason };
    }
  }
}

/** How far the box is with its model, as the office is told. */
export function reportOf(state: AgentState, model: string, { groups, tags, architecture }: BoxFacts): Report {
  const { situation, memory } = state;
  const jobs = situation?.store.jobs;
  const { running, served } = memory.daemon ?? {};
  const evidence = memory.session?.evidence ?? memory.evidence;
  return {
    job: jobs?.highest ?? 0,
    rollout: jobs?.wanted?.rollout ?? null,
    ...progressOf(state),
    wanted: jobs?.wanted === undefined ? null : { name: jobs.wanted.name ?? model, version: jobs.wanted.version },
    running: running ?? null,
    served: served ?? null,
    evidence: evidence.map((measure) => finite({ ...measure })),
    groups: [...groups],
    hardware: { architecture, tags: [...tags] },
  };
}

/** JSON has no infinities: an interval without an end is null. */
const finite = (measure: object): Record<string, string | number | null> =>
  Object.fromEntries(
    Object.entries(measure).map(([name, value]: [string, string | number]) => [
      name,
      typeof value === 'number' && !Number.isFinite(value) ? null : value,
    ]),
  );
