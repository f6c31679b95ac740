import { describe, expect, it } from 'vitest';
import { plan } from '../../../deploy/agent/planner.ts';
import type { Situation } from '../../../deploy/agent/situation.ts';
import type { SlotRecord } from '../../../deploy/store/records.ts';
import {
  bad,
  bundle,
  digestOf,
  garbage,
  inB,
  minimum,
  nothing,
  runsB,
  runsNothing,
  served,
  situation,
  trial,
  trusted,
  wanted,
} from '../../support/situations.ts';

const { unusable: ofVersion2 } = runsNothing('', '2');
const unusable = (code: string) => ({ unusable: ofVersion2.map((each) => ({ ...each, code })) });
const loading = { slot: 'B', phase: 'loading', ruling: undefined } as const;
const onlyB = (condition: SlotRecord['condition']): Partial<Situation['store']> => ({
  ...{ slots: { A: undefined, B: inB(condition).slots?.B }, current: undefined },
});

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
  [
    'a package that is here under another version than it was signed as',
    situation({ target: trusted({ package: digestOf('1') }) }),
    { do: 'close', outcome: 'refused', reason: { code: 'UPDATE_REFUSED' } },
  ],
  ['a verified package', situation({}, inB('verified')), { do: 'begin-trial', slot: 'B' }],
  ['a verified package and no daemon', situation({ daemon: undefined }, inB('verified')), { wait: 'the daemon' }],
  [
    'the same where no trial is asked for',
    situation({ daemon: undefined, promoteWithoutTrial: true }, inB('verified')),
    { do: 'promote', reason: 'WITHOUT_TRIAL' },
  ],
  [
    'a verified package where none of its name ever was: it has to show that it loads',
    situation({ installed: [], daemon: runsNothing('') }, onlyB('verified')),
    { do: 'begin-trial', slot: 'B' },
  ],
  [
    'the same while it is loaded',
    situation({ installed: [], daemon: runsNothing(''), trial: loading }, onlyB('trial')),
    { wait: 'the trial' },
  ],
  [
    'the same once it is: nothing runs that it could be held against',
    situation({ installed: [], daemon: runsNothing(''), ...trial() }, onlyB('trial')),
    { do: 'promote', slot: 'B', reason: 'FIRST' },
  ],
  [
    'the same where it does not load',
    situation(
      {
        ...{ installed: [], daemon: runsNothing('') },
        ...trial({ step: 'roll-back', reason: 'TRIAL_FAILED_TO_LOAD', message: 'GOLDEN_MISMATCH: x' }),
      },
      onlyB('trial'),
    ),
    { do: 'reject', slot: 'B', reason: 'TRIAL_FAILED_TO_LOAD', message: 'GOLDEN_MISMATCH: x' },
  ],
  [
    'the same where it has been looked at for long enough already',
    situation({ installed: [], daemon: runsNothing(''), ...trial({ step: 'take-over' }) }, onlyB('trial')),
    { do: 'promote', slot: 'B', reason: 'FIRST' },
  ],
  [
    'one that loads where none of those that are there does',
    situation({ daemon: runsNothing('GOLDEN_MISMATCH', '1', '0'), ...trial() }, inB('trial')),
    { do: 'promote', slot: 'B', reason: 'FIRST' },
  ],
  [
    'the same where one may still come up: it is not known to be unusable',
    situation({ daemon: runsNothing('GOLDEN_MISMATCH', '1'), ...trial() }, inB('trial')),
    { wait: 'the trial' },
  ],
  [
    'the same where a model answers of which the records of the store are lost',
    situation({ installed: [], ...trial() }, onlyB('trial')),
    { wait: 'the trial' },
  ],
  [
    'the same without a daemon: who runs it is waited for',
    situation({ installed: [], daemon: undefined }, onlyB('verified')),
    { wait: 'the daemon' },
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
    'a candidate that the configuration of the box refuses',
    situation(trial({ step: 'roll-back', reason: 'TRIAL_REFUSED' }), inB('trial')),
    { do: 'stop-trial', slot: 'B' },
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
    'promoted, and the daemon cannot load it',
    situation({ ...runsB, daemon: { ...served('1'), ...unusable('GOLDEN_MISMATCH') } }, inB('good')),
    { do: 'reject', slot: 'B', reason: 'TRIAL_FAILED_TO_LOAD', message: 'GOLDEN_MISMATCH: x' },
  ],
  [
    'promoted, and not taken by the configuration of the box: nothing is held against it',
    situation({ ...runsB, daemon: { ...served('1'), ...unusable('SIGNATURE_MISSING') } }, inB('good')),
    { do: 'close', outcome: 'failed', reason: { code: 'TRIAL_REFUSED', message: 'SIGNATURE_MISSING: x' } },
  ],
  [
    'promoted, and damaged on the disk: it is fetched again',
    situation({ ...runsB, daemon: { ...served('1'), ...unusable('PACKAGE_INVALID') } }, inB('good')),
    { do: 'collect-garbage', garbage: { downloads: [], slots: ['B'] } },
  ],
  [
    'promoted, answering, and damaged beneath its process',
    situation({ ...runsB, daemon: { ...served('2'), ...unusable('PACKAGE_INVALID') } }, inB('good')),
    { do: 'close', outcome: 'promoted' },
  ],
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
});
