import { expect, it } from 'vitest';
import { seededRandom } from '../../../core/random.ts';
import { TrialSession } from '../../../deploy/agent/trial-session.ts';
import { trialLimits } from '../../../deploy/trial/limits.ts';
import { fromDaemon } from '../../../deploy/trial/protocol.ts';
import { type DetectorFault, simulatedRoad } from '../../support/simulated-road.ts';

type Heard = Parameters<TrialSession['hear']>[0];

const said = (message: object): Heard => {
  const parsed = fromDaemon.parse({ v: 1, trial: 't', ...message });
  if (parsed.type !== 'candidate' && parsed.type !== 'block') throw new Error(`not of a trial: ${parsed.type}`);
  return parsed;
};

/** Leads a trial of a detector as the planner would, by what a daemon says of a made-up road. */
function led(fault: DetectorFault): TrialSession {
  const session = new TrialSession({
    ...{ id: 't', slot: 'A', limits: trialLimits.parse({}), longestMs: 86_400_000, clock: () => 0 },
  });
  session.hear(said({ type: 'candidate', event: 'ready', task: 'detector', labels: 3, lines: 2 }));
  let [index, phase] = [0, 'shadow'];
  const road = { users: [600, 120, 40], missed: 0.03, lines: [0.3, 0.1] };
  for (const block of simulatedRoad(road, fault, seededRandom(9))) {
    session.hear(said({ type: 'block', index: index++, block: { ...block, phase } }));
    const { ruling } = session.underWay();
    if (ruling?.step === 'take-over') {
      session.tookOver();
      session.hear(said({ type: 'candidate', event: 'answers' }));
      phase = 'probation';
    } else if (ruling !== undefined) return session;
  }
  throw new Error('the road ended before the trial');
}

it('judges a detector by boxes and lines, and keeps what showed it for the report', () => {
  const equal = led({});
  expect(equal.underWay().ruling).toMatchObject({ step: 'promote', reason: 'TRIAL_PROMOTED' });
  expect(equal.evidence.map(({ measure }) => measure)).toEqual(
    expect.arrayContaining(['disagreement', 'counts of all lines', 'counts of line 0', 'counts of line 1']),
  );
  const worse = led({ uncounted: 0.4 });
  expect(worse.underWay().ruling).toMatchObject({ step: 'roll-back', reason: 'TRIAL_LINE_COUNTS' });
  expect(worse.evidence).toMatchObject([{ measure: expect.stringMatching(/^counts of /) }]);
});

it('holds it against no candidate that it has another task than the running model', () => {
  const session = new TrialSession({
    ...{ id: 't', slot: 'A', limits: trialLimits.parse({}), longestMs: 86_400_000, clock: () => 0 },
  });
  const message = 'spots 2 has the task classification, the model that runs the task detector';
  session.hear(said({ type: 'candidate', event: 'failed', code: 'MODEL_UNSUPPORTED', message }));
  expect(session.underWay().ruling).toMatchObject({
    ...{ step: 'roll-back', reason: 'TRIAL_REFUSED', message: `MODEL_UNSUPPORTED: ${message}` },
  });
});
