import type { Rollout } from '../../contract/messages/rollout.ts';
import type { Standing } from './boxes.ts';
import type { Office } from './office.ts';
import type { Plan, WaveStanding } from './planner.ts';

/** Where a rollout is, for `--json` and for people: what both show is a function of this alone. */
export interface RolloutSummary {
  readonly site: string;
  readonly rollout: Rollout;
  /** Who drives it, as far as the record says. */
  readonly driver: string | null;
  readonly boxesKnown: number;
  readonly waves: readonly {
    readonly name: string;
    readonly boxes: number;
    readonly standing: Readonly<Record<Standing, number>>;
  }[];
  /** Boxes that failed, or are at it, the first of them: what a person would look at. */
  readonly troubled: readonly { readonly box: string; readonly standing: Standing; readonly reason: string }[];
  readonly atIt: readonly { readonly box: string; readonly state: string; readonly progress: number | null }[];
}

const MOST_TROUBLED = 20;
const MOST_AT_IT = 12;

const reasonOf = ({ standing, box }: WaveStanding['members'][number]): string => {
  const { reason, state } = box.report;
  if (standing === 'silent') return `silent; last heard ${state}`;
  return reason === null ? state : `${reason.code}: ${reason.message}`;
};

export function summaryOf(office: Office, { rollout, waves }: Plan): RolloutSummary {
  const members = waves.flatMap((wave) => wave.members);
  const current = office.record.current;
  return {
    site: office.site,
    rollout,
    driver: current?.driving === true ? current.office.name : null,
    boxesKnown: office.fleet.size,
    waves: waves.map(({ name, size, count }) => ({ name, boxes: size, standing: count })),
    troubled: members
      .filter(({ standing }) => standing === 'failed' || standing === 'silent')
      .slice(0, MOST_TROUBLED)
      .map((member) => ({ box: member.box.id, standing: member.standing, reason: reasonOf(member) })),
    atIt: members
      .filter(({ standing }) => standing === 'working' || standing === 'proving')
      .slice(0, MOST_AT_IT)
      .map(({ box: { id, report } }) => ({ box: id, state: report.state, progress: report.progress })),
  };
}
