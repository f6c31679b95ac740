import { describe, expect, it } from 'vitest';
import type { CameraStatus } from '../../daemon/camera/types.ts';
import type { ServiceStatus } from '../../daemon/inference/service.ts';
import { stateOf } from '../../daemon/state.ts';

const camera = (id: string, change: Partial<CameraStatus> = {}): CameraStatus => ({
  id,
  state: 'live',
  since: 0,
  fpsIn: 25,
  fpsAnalysed: 5,
  received: 1,
  analysed: 1,
  dropped: 0,
  lastFrameAgeMs: 10,
  silenceAllowedMs: 3000,
  lagMs: 12,
  view: 'ok',
  viewSince: null,
  concerns: [],
  decoder: null,
  reconnects: 0,
  ...change,
});
const READY: ServiceStatus = {
  state: 'ready',
  fault: undefined,
  restarts: 0,
  nextAttemptAt: undefined,
  owedMs: 0,
  pids: [1],
};
const WELL = {
  cameras: [camera('a'), camera('b')],
  inference: READY,
  modelRefused: undefined,
  configurationRefused: undefined,
};

describe('stateOf', () => {
  it('is online only when every part works', () => {
    expect(stateOf(WELL)).toEqual({ state: 'online', reasons: [] });
  });

  it('names each camera that is not live, with its reason', () => {
    const reason = { code: 'CAMERA_REFUSED' as const, message: '401 Unauthorized' };
    const { state, reasons } = stateOf({ ...WELL, cameras: [camera('a'), camera('b', { state: 'refused', reason })] });
    expect(state).toBe('degraded');
    expect(reasons).toEqual([{ code: 'camera-refused', camera: 'b', message: 'CAMERA_REFUSED: 401 Unauthorized' }]);
  });

  it('says that a crashed model is down, and why', () => {
    const fault = { code: 'INFERENCE_LOST', message: 'was ended by SIGKILL', expected: false };
    const { reasons } = stateOf({ ...WELL, inference: { ...READY, state: 'down', fault } });
    expect(reasons).toEqual([{ code: 'inference-down', message: 'INFERENCE_LOST: was ended by SIGKILL' }]);
  });

  it('is never online before the model was started', () => {
    const { state, reasons } = stateOf({ ...WELL, cameras: [], inference: { ...READY, state: 'stopped' } });
    expect([state, reasons[0]?.code]).toEqual(['degraded', 'inference-starting']);
  });

  it('tells a refused package from one that is being loaded', () => {
    const { reasons } = stateOf({
      ...WELL,
      inference: { ...READY, state: 'stopped' },
      modelRefused: 'PACKAGE_INVALID: x',
    });
    expect(reasons.map(({ code }) => code)).toEqual(['model-refused']);
  });
});
