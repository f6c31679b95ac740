import type { Situation } from '../../deploy/agent/situation.ts';
import { StoreLayout } from '../../deploy/store/layout.ts';
import type { SlotRecord, WantedRecord } from '../../deploy/store/records.ts';

export const digestOf = (version: string): `sha256:${string}` => `sha256:${version.padStart(64, '0')}`;

export const slot = (
  name: 'A' | 'B',
  version: string,
  condition: SlotRecord['condition'],
  rest: Partial<SlotRecord> = {},
): SlotRecord => ({
  slot: name,
  condition,
  model: { name: 'vehicles', version, digest: digestOf(version) },
  job: 0,
  generation: 1,
  interrupted: 0,
  at: '',
  ...rest,
});

export const wanted = (change: Partial<WantedRecord> = {}): WantedRecord => ({
  job: 7,
  rollout: 'r',
  version: '2',
  outcome: 'open',
  ...change,
});

export const trusted = (change: object = {}) => ({
  trusted: {
    path: 'vehicles/2.bundle',
    bytes: 1000,
    sha256: 'ab',
    package: digestOf('2'),
    unpackedBytes: 4000,
    parent: undefined,
    formats: { package: 2 },
    ...change,
  },
});

export const nothing = { downloads: [], slots: [] };
export const served = (version: string, frames = 10) => ({
  packageFormats: [1, 2],
  running: { name: 'vehicles', version, digest: digestOf(version) },
  unusable: [],
  served: frames,
});

/** A box that runs version 1 out of slot A, with a daemon, room and nothing else. */
export function situation(change: Partial<Situation> = {}, store: Partial<Situation['store']> = {}): Situation {
  const slots = { A: slot('A', '1', 'good'), B: undefined };
  return {
    now: 1000,
    model: 'vehicles',
    store: {
      layout: new StoreLayout('/store', 'vehicles'),
      slots,
      current: { place: 'A', digest: digestOf('1'), at: '' },
      bad: { models: [] },
      jobs: { generation: 1, highest: 7 },
      damaged: [],
      ...store,
    },
    wanted: wanted(),
    badLimits: undefined,
    target: undefined,
    downloaded: undefined,
    installed: [
      { place: 'A', version: '1', digest: digestOf('1') },
      { place: 'factory', version: '0', digest: digestOf('0') },
    ],
    windowOpensAt: 1000,
    freeBytes: 1e9,
    reservedBytes: 1000,
    garbage: { always: nothing, forRoom: nothing },
    daemon: served('1'),
    promoteWithoutTrial: false,
    trial: undefined,
    paused: undefined,
    ...change,
  };
}

export const inB = (
  condition: SlotRecord['condition'],
  rest: Partial<SlotRecord> = {},
): Partial<Situation['store']> => ({
  slots: { A: slot('A', '1', 'good'), B: slot('B', '2', condition, { job: 7, ...rest }) },
});
export const bundle = {
  file: '/store/downloads/ab.bundle',
  package: digestOf('2'),
  parent: undefined,
  unpackedBytes: 4000,
};
export const bad = { bad: { models: [{ digest: digestOf('2'), version: '2', reason: 'TRIAL_SLOWER', at: '' }] } };
export const trial = (ruling?: NonNullable<Situation['trial']>['ruling']): Pick<Situation, 'trial'> => ({
  trial: { slot: 'B', phase: 'shadow', ruling },
});
export const garbage = { downloads: ['/store/downloads/x'], slots: [] };
export const minimum = { jobs: { generation: 1, highest: 7, minVersion: '3' } };
/** A daemon that runs nothing, and could load none of these versions. */
export const runsNothing = (code: string, ...versions: readonly string[]) => ({
  ...{ packageFormats: [1, 2], running: undefined, served: undefined },
  unusable: versions.map((version) => ({ digest: digestOf(version), code, message: 'x' })),
});
export const runsB = { installed: [{ place: 'B' as const, version: '2', digest: digestOf('2') }] };
