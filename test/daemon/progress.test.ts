import { describe, expect, it } from 'vitest';
import type { CameraStatus } from '../../daemon/camera/types.ts';
import { type Situation, stuckParts } from '../../daemon/progress.ts';

const camera = (state: CameraStatus['state'], lastFrameAgeMs: number | null): Situation['cameras'][number] => ({
  id: 'a',
  state,
  since: 0,
  fpsIn: 0,
  fpsAnalysed: 0,
  received: 0,
  analysed: 0,
  dropped: 0,
  lastFrameAgeMs,
  silenceAllowedMs: 3000,
  lagMs: null,
  view: null,
  viewSince: null,
  concerns: [],
  decoder: null,
  reconnects: 0,
});
const WELL: Situation = {
  now: 100_000,
  cameras: [camera('live', 40)],
  inference: { state: 'ready', fault: undefined, restarts: 0, nextAttemptAt: undefined, owedMs: 5, pids: [1] },
  hangMs: 10_000,
  mqtt: {
    connected: true,
    protocol: 5,
    reconnects: 0,
    resets: 0,
    dropped: 0,
    droppedByKind: new Map(),
    refusedTopics: [],
    unstable: undefined,
    nextAttemptAt: undefined,
    attemptSince: undefined,
  },
  undispatchedSince: undefined,
};

describe('stuckParts', () => {
  it('finds nothing while everything moves', () => {
    expect(stuckParts(WELL)).toEqual([]);
  });

  it('does not punish the daemon for what is off outside', () => {
    const down = { ...WELL.inference, state: 'down' as const, nextAttemptAt: 110_000 };
    const away = { ...WELL.mqtt, connected: false, nextAttemptAt: 120_000 };
    const cameras = [camera('stalled', 3_600_000), camera('refused', null), camera('connecting', null)];
    expect(stuckParts({ ...WELL, cameras, inference: down, mqtt: away })).toEqual([]);
  });

  const cases: readonly [string, Partial<Situation>, RegExp][] = [
    ['a stall that nobody handles', { cameras: [camera('live', 60_000)] }, /camera a is called live/],
    ['an answer that stays owed', { inference: { ...WELL.inference, owedMs: 16_000 } }, /owed an answer/],
    [
      'a process that is not started again',
      { inference: { ...WELL.inference, state: 'down', nextAttemptAt: 90_000 } },
      /not started again/,
    ],
    ['frames that are not handed on', { undispatchedSince: 90_000 }, /frames wait/],
    [
      'a broker that is no longer tried',
      { mqtt: { ...WELL.mqtt, connected: false, nextAttemptAt: 90_000 } },
      /not tried again/,
    ],
    ['an attempt without end', { mqtt: { ...WELL.mqtt, connected: false, attemptSince: 70_000 } }, /does not end/],
  ];
  it.each(cases)('finds %s', (_name, change, message) => {
    const stuck = stuckParts({ ...WELL, ...change });
    expect(stuck).toHaveLength(1);
    expect(stuck[0]).toMatch(message);
  });

  it('lets a model load for longer than it may answer', () => {
    const loading = { ...WELL.inference, state: 'starting' as const, owedMs: 60_000 };
    expect(stuckParts({ ...WELL, inference: loading })).toEqual([]);
    expect(stuckParts({ ...WELL, inference: { ...loading, owedMs: 106_000 } })).toHaveLength(1);
  });
});
