import { randomUUID } from 'node:crypto';
import type { JobState, ModelReportMessage } from '../../../contract/messages/model-report.ts';
import type { Rollout } from '../../../contract/messages/rollout.ts';
import { DEFAULT_POLICY } from '../../../deploy/rollout/begin-rollout.ts';
import type { HeardBox } from '../../../deploy/rollout/boxes.ts';

export const AT = Date.parse('2026-03-01T12:00:00.000Z');

/** A rollout of vehicles@2 from vehicles@1 that has not begun. */
export const rolloutOf = (
  changes: Partial<Omit<Rollout, 'policy'>> = {},
  policy: Partial<Rollout['policy']> = {},
): Rollout => ({
  id: 'vehicles-2-abc',
  model: { name: 'vehicles', version: '2' },
  selection: { groups: [], tags: [], hardware: [] },
  waves: ['canary', '5%', '25%', 'all'],
  policy: { ...DEFAULT_POLICY, ...policy },
  startedBy: 'operator@desk',
  startedAt: new Date(AT).toISOString(),
  state: 'running',
  reason: null,
  begun: [],
  takingBack: null,
  ...changes,
});

export interface BoxSays {
  readonly job?: number;
  readonly state?: JobState;
  readonly version?: string;
  readonly served?: number;
  readonly groups?: readonly string[];
  readonly rollout?: string;
}

export function heardBox(id: string, says: BoxSays = {}, movedAt = AT): HeardBox {
  const {
    job = 0,
    state = 'idle',
    version = '1',
    served = 5000,
    groups = ['roads'],
    rollout = 'vehicles-2-abc',
  } = says;
  const at = new Date(AT).toISOString();
  const report: ModelReportMessage = {
    schema: 'wayside/v1/model-report',
    id: randomUUID(),
    session: randomUUID(),
    seq: 0,
    capturedAt: at,
    publishedAt: at,
    clock: { synced: null, errorMs: null },
    job,
    rollout: job === 0 ? null : rollout,
    state,
    progress: null,
    wanted: job === 0 ? null : { name: 'vehicles', version: '2' },
    running: { name: 'vehicles', version, digest: `sha256:${version}` },
    served,
    reason: null,
    evidence: [],
    groups: [...groups],
    hardware: { architecture: 'x64', tags: ['north'] },
  };
  return { id, report, movedAt, heardAt: movedAt };
}
