import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plan, type Step } from '../../../deploy/agent/planner.ts';
import type { Situation } from '../../../deploy/agent/situation.ts';
import { StoreLayout } from '../../../deploy/store/layout.ts';
import { type SlotRecord, slotRecord, type WantedRecord } from '../../../deploy/store/records.ts';
import { TRIAL_REASONS } from '../../../deploy/trial/reasons.ts';

const digestOf = (version: string): `sha256:${string}` => `sha256:${version.padStart(64, '0')}`;

const slot = (
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

const wanted = (change: Partial<WantedRecord> = {}): WantedRecord => ({
  job: 7,
  rollout: 'r',
  version: '2',
  outcome: 'open',
  ...change,
});

const trusted = (change: object = {}) => ({
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

const nothing = { downloads: [], slots: [] };
const served = (version: string, frames = 10) => ({
  packageFormats: [1, 2],
  running: { name: 'vehicles', version, digest: digestOf(version) },
  served: frames,
});

/** A box that runs version 1 out of slot A, with a daemon, room and nothing else. */
function situation(change: Partial<Situation> = {}, store: Partial<Situation['store']> = {}): Situation {
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

const inB = (condition: SlotRecord['condition'], rest: Partial<SlotRecord> = {}): Partial<Situation['store']> => ({
  slots: { A: slot('A', '1', 'good'), B: slot('B', '2', condition, { job: 7, ...rest }) },
});
const bundle = { file: '/store/downloads/ab.bundle', package: digestOf('2'), parent: undefined, unpackedBytes: 4000 };
const bad = { bad: { models: [{ digest: digestOf('2'), version: '2', reason: 'TRIAL_SLOWER', at: '' }] } };
const trial = (ruling?: NonNullable<Situation['trial']>['ruling']): Pick<Situation, 'trial'> => ({
  trial: { slot: 'B', phase: 'shadow', ruling },
});
const garbage = { downloads: ['/store/downloads/x'], slots: [] };
const minimum = { jobs: { generation: 1, highest: 7, minVersion: '3' } };
const runsB = { installed: [{ place: 'B' as const, version: '2', digest: digestOf('2') }] };

const ROWS: readonly (readonly [string, Situation, object])[] = [
  ['nothing asked for', situation({ wanted: undefined }), { wait: 'a job' }],
  [
    'nothing asked for, and rubbish',
    situation({ wanted: undefined, garbage: { always: garbage, forRoom: garbage } }),
    { do: 'collect-garbage' },
  ],
  ['a job', situation(), { do: 'look-up' }],
  [
    'a job for another model',
    situation({ wanted: wanted({ name: 'boats' }) }),
    { do: 'close', outcome: 'refused', reason: { code: 'UPDATE_OTHER_MODEL' } },
  ],
  ['limits that do not fit', situation({ badLimits: 'x' }), { do: 'close', reason: { code: 'JOB_INVALID' } }],
  [
    'a job for later',
    situation({ wanted: wanted({ notBefore: 2000 }) }),
    { wait: 'the time that the job names', until: 2000 },
  ],
  ['outside of the window', situation({ windowOpensAt: 5000 }), { wait: 'the maintenance window', until: 5000 }],
  [
    'after a failure',
    situation({ paused: { reason: { code: 'X', message: '' }, until: 1500 } }),
    { wait: 'another attempt', until: 1500 },
  ],
  [
    'once the pause is over',
    situation({ paused: { reason: { code: 'X', message: '' }, until: 900 } }),
    { do: 'look-up' },
  ],
  [
    'what is not signed',
    situation({ target: { refused: { code: 'UPDATE_REFUSED', message: '' } } }),
    { do: 'close', outcome: 'refused' },
  ],
  ['what is too old', situation({}, minimum), { do: 'close', reason: { code: 'UPDATE_BELOW_MINIMUM' } }],
  [
    'what is known to be bad, before a byte of it',
    situation({ target: trusted() }, bad),
    { do: 'close', reason: { code: 'UPDATE_KNOWN_BAD' } },
  ],
  [
    'a format that the daemon cannot read',
    situation({ target: trusted({ formats: { package: 3 } }) }),
    { do: 'close', reason: { code: 'UPDATE_FORMAT' } },
  ],
  [
    'no daemon, whose formats are not known',
    situation({ target: trusted(), daemon: undefined }),
    { wait: 'the daemon' },
  ],
  [
    'differences from what is not here',
    situation({ target: trusted({ parent: digestOf('9') }) }),
    { do: 'close', reason: { code: 'BUNDLE_PARENT' } },
  ],
  [
    'no room, and nothing to throw away',
    situation({ target: trusted(), freeBytes: 5000 }),
    { wait: 'room on the disk', reason: { code: 'UPDATE_NO_SPACE' } },
  ],
  [
    'no room, and rubbish',
    situation({ target: trusted(), freeBytes: 5000, garbage: { always: nothing, forRoom: garbage } }),
    { do: 'collect-garbage', garbage },
  ],
  ['a signed target', situation({ target: trusted() }), { do: 'download' }],
  ['a whole bundle', situation({ target: trusted(), downloaded: bundle }), { do: 'unpack', bundle }],
  [
    'a bundle of what is known to be bad',
    situation({ target: trusted({ package: undefined }), downloaded: bundle }, bad),
    { do: 'close', reason: { code: 'UPDATE_KNOWN_BAD' } },
  ],
  [
    'a package that another job brought',
    situation({ target: trusted() }, inB('verified', { job: 3 })),
    { do: 'claim', slot: 'B' },
  ],
  ['a verified package', situation({}, inB('verified')), { do: 'begin-trial', slot: 'B' }],
  ['a verified package and no daemon', situation({ daemon: undefined }, inB('verified')), { wait: 'the daemon' }],
  [
    'the same where no trial is asked for',
    situation({ daemon: undefined, promoteWithoutTrial: true }, inB('verified')),
    { do: 'promote', reason: 'WITHOUT_TRIAL' },
  ],
  ['a trial that a restart cut off', situation({}, inB('trial')), { do: 'try', slot: 'B' }],
  [
    'the same outside of the window: what has begun goes on',
    situation({ windowOpensAt: 5000 }, inB('trial')),
    { do: 'try', slot: 'B' },
  ],
  ['a trial under way', situation(trial(), inB('trial')), { wait: 'the trial' }],
  ['enough of the shadow', situation(trial({ step: 'take-over' }), inB('trial')), { do: 'take-over', slot: 'B' }],
  [
    'a good candidate',
    situation(trial({ step: 'promote', reason: 'TRIAL_PROMOTED' }), inB('trial')),
    { do: 'promote', slot: 'B' },
  ],
  [
    'a bad candidate',
    situation(trial({ step: 'roll-back', reason: 'TRIAL_SLOWER' }), inB('trial')),
    { do: 'reject', slot: 'B', reason: 'TRIAL_SLOWER' },
  ],
  [
    'an undecided candidate',
    situation(trial({ step: 'roll-back', reason: 'TRIAL_INCONCLUSIVE' }), inB('trial')),
    { do: 'stop-trial', slot: 'B' },
  ],
  [
    'a daemon that went away over it',
    situation({ ...trial({ step: 'interrupted' }), daemon: undefined }, inB('trial')),
    { do: 'interrupt-trial', slot: 'B' },
  ],
  [
    'a trial of something else',
    situation(trial(), inB('trial', { job: 3 })),
    { do: 'stop-trial', slot: 'B', reason: 'TRIAL_ABORTED' },
  ],
  [
    'a trial that nobody asks for any more',
    situation({ wanted: undefined, ...trial() }, inB('trial')),
    { do: 'stop-trial' },
  ],
  [
    'a trial that ended undecided',
    situation({}, inB('verified', { reason: 'TRIAL_INCONCLUSIVE' })),
    { do: 'close', outcome: 'failed', reason: { code: 'TRIAL_INCONCLUSIVE' } },
  ],
  [
    'a trial that failed',
    situation({}, inB('bad', { reason: 'TRIAL_SLOWER' })),
    { do: 'close', outcome: 'rolled-back', reason: { code: 'TRIAL_SLOWER' } },
  ],
  [
    'promoted, and the power went before the pointer was written',
    situation({}, inB('good')),
    { do: 'promote', slot: 'B' },
  ],
  ['promoted, not seen to serve', situation(runsB, inB('good')), { wait: 'frames of the new model' }],
  [
    'promoted, and no frame yet',
    situation({ ...runsB, daemon: served('2', 0) }, inB('good')),
    { wait: 'frames of the new model' },
  ],
  [
    'promoted and serving',
    situation({ ...runsB, daemon: served('2') }, inB('good')),
    { do: 'close', outcome: 'promoted' },
  ],
  [
    'the version of the factory',
    situation({
      wanted: wanted({ version: '0' }),
      target: trusted({ package: digestOf('0') }),
      installed: [{ place: 'factory', version: '0', digest: digestOf('0') }],
      daemon: served('0'),
    }),
    { do: 'close', outcome: 'promoted' },
  ],
  ['to go back', situation({ wanted: wanted({ action: 'roll-back', version: '1' }) }), { do: 'roll-back' }],
  [
    'to go back from what does not run',
    situation({ wanted: wanted({ action: 'roll-back', version: '2' }) }),
    { do: 'close', outcome: 'rolled-back' },
  ],
  [
    'to go back below what is allowed',
    situation({ wanted: wanted({ action: 'roll-back', version: '1' }) }, minimum),
    { do: 'close', outcome: 'refused', reason: { code: 'UPDATE_BELOW_MINIMUM' } },
  ],
  [
    'to go back from the factory',
    situation({
      wanted: wanted({ action: 'roll-back', version: '0' }),
      installed: [{ place: 'factory', version: '0', digest: digestOf('0') }],
    }),
    { do: 'close', reason: { code: 'STORE_NOTHING_TO_ROLL_BACK' } },
  ],
  [
    'to go back in the middle of a trial',
    situation({ wanted: wanted({ action: 'roll-back', version: '1' }), ...trial() }, inB('trial')),
    { do: 'stop-trial', slot: 'B' },
  ],
];

describe('the planner', () => {
  it.each(ROWS)('knows what to do with %s', (_, given, expected) => {
    expect(plan(given)).toMatchObject(expected);
  });

  const record = (name: 'A' | 'B') =>
    fc.option(
      fc
        .record({
          condition: fc.constantFrom(...slotRecord.shape.condition.options),
          version: fc.constantFrom('1', '2'),
          job: fc.constantFrom(0, 7),
          reason: fc.constantFrom(undefined, ...(Object.keys(TRIAL_REASONS) as (keyof typeof TRIAL_REASONS)[])),
        })
        .map(({ condition, version, job, reason }) =>
          slot(name, version, condition, { job, ...(reason && { reason }) }),
        ),
      { nil: undefined },
    );
  const rulings = fc.constantFrom<NonNullable<Situation['trial']>['ruling']>(
    undefined,
    { step: 'take-over' },
    { step: 'interrupted' },
    { step: 'promote', reason: 'TRIAL_PROMOTED' },
    { step: 'roll-back', reason: 'TRIAL_SLOWER' },
    { step: 'roll-back', reason: 'TRIAL_NO_FRAMES' },
  );
  const anySituation = fc
    .record({
      a: record('A'),
      b: record('B'),
      asked: fc.option(
        fc.record({
          job: fc.constantFrom(0, 7),
          version: fc.constantFrom('1', '2'),
          action: fc.constantFrom('install' as const, 'roll-back' as const),
        }),
        { nil: undefined },
      ),
      target: fc.constantFrom(undefined, trusted(), trusted({ package: undefined }), {
        refused: { code: 'X', message: '' },
      }),
      downloaded: fc.constantFrom(undefined, bundle),
      daemon: fc.constantFrom(undefined, served('1'), served('2'), served('2', 0)),
      trial: fc.option(
        fc.record({
          slot: fc.constantFrom('A' as const, 'B' as const),
          phase: fc.constant('shadow' as const),
          ruling: rulings,
        }),
        { nil: undefined },
      ),
      promoteWithoutTrial: fc.boolean(),
      freeBytes: fc.constantFrom(10, 1e9),
      windowOpensAt: fc.constantFrom(1000, 2000),
      known: fc.boolean(),
    })
    .map(({ a, b, asked, known, ...rest }) => {
      const installed = ([a, b] as const)
        .filter((each) => each?.condition === 'good')
        .map((each) => ({ place: each!.slot, version: each!.model?.version, digest: each!.model?.digest }));
      const change = { ...rest, wanted: asked && wanted(asked), installed: [...installed, situation().installed[1]!] };
      return situation(change, { slots: { A: a, B: b }, ...(known ? bad : {}) });
    });

  it('always has one step, or names what it waits for; runs and tries nothing that was not verified, and writes over nothing that runs', () => {
    fc.assert(
      fc.property(anySituation, (given) => {
        const step: Step = plan(given);
        if ('wait' in step) return;
        const record = 'slot' in step ? given.store.slots[step.slot] : undefined;
        switch (step.do) {
          case 'try':
            expect(record?.condition).toBe('trial');
            break;
          case 'begin-trial':
            expect(['verified', 'retired']).toContain(record?.condition);
            break;
          case 'claim':
            expect(['verified', 'retired', 'good']).toContain(record?.condition);
            expect(given.store.bad.models.map(({ digest }) => digest)).not.toContain(record?.model?.digest);
            break;
          case 'promote':
            if (step.reason === 'WITHOUT_TRIAL') expect(given.promoteWithoutTrial).toBe(true);
            else if (step.reason !== 'GOOD_BEFORE') expect(given.trial?.ruling?.step).toBe('promote');
            expect(['trial', 'verified', 'retired', 'good']).toContain(record?.condition);
            break;
          case 'download':
          case 'unpack':
            expect(given.target).toHaveProperty('trusted');
            break;
          case 'close':
            if (step.outcome === 'promoted' && !given.promoteWithoutTrial)
              expect(given.daemon?.served).toBeGreaterThan(0);
            expect(given.wanted).toBeDefined();
            break;
          default:
        }
      }),
      { numRuns: 2000 },
    );
  });
});
