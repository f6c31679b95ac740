import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CameraStatus } from '../../../daemon/camera/types.ts';
import type { CameraEntry } from '../../../daemon/cameras.ts';
import { AlarmReport } from '../../../daemon/features/alarm-report.ts';
import { DaemonView } from '../../../daemon/features/feature.ts';
import { InfoReport } from '../../../daemon/features/info-report.ts';
import { RepeatRetained } from '../../../daemon/features/repeat-retained.ts';
import { StateReport } from '../../../daemon/features/state-report.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { freePort } from '../../support/mosquitto.ts';
import { QuietBroker } from '../../support/quiet-broker.ts';
import { configurationFor, ReportingBox } from '../../support/reporting-box.ts';
import { until } from '../../support/until.ts';

const MINUTES = 60_000;
const STATE = 'wayside/v1/a/b/state';
const log = pino({ level: 'silent' });

describe('what a box says of itself', () => {
  const folder = temporaryFolder();
  const brokers: QuietBroker[] = [];
  let url: string;
  let box: ReportingBox;

  async function openBroker(): Promise<[broker: QuietBroker, url: string]> {
    const port = await freePort();
    const broker = new QuietBroker(port);
    await broker.open();
    brokers.push(broker);
    return [broker, `mqtt://127.0.0.1:${port}`];
  }

  let broker: QuietBroker;
  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    [broker, url] = await openBroker();
    box = new ReportingBox(await configurationFor(url, folder()));
    const { daemon, uplink } = box;
    const alarms = new AlarmReport(daemon, uplink);
    const repeated = new RepeatRetained(uplink, alarms);
    box.start([alarms, new StateReport(daemon, uplink, log), new InfoReport(daemon, uplink), repeated]);
  });
  afterEach(async () => {
    await box.stop();
    await Promise.all(brokers.splice(0).map((each) => each.close()));
    vi.useRealTimers();
  });

  const times = (name: string): number => broker.heard.filter((topic) => topic === `wayside/v1/a/b/${name}`).length;
  const stateAt = (at: QuietBroker, topic = STATE): unknown => JSON.parse(at.retained.get(topic) ?? '{}');

  it('is repeated, state and info, every ten minutes, for those who get nothing retained', async () => {
    await until('both', () => times('state') === 1 && times('info') === 1);
    vi.advanceTimersByTime(9 * MINUTES);
    for (const round of [2, 3]) {
      vi.advanceTimersByTime(round === 2 ? MINUTES : 10 * MINUTES);
      await until('both again', () => times('state') === round && times('info') === round);
    }
    expect(stateAt(broker)).toMatchObject({ schema: 'wayside/v1/state', state: 'online' });
  });

  it('is said once where something happened and nothing changed, and again where it did', async () => {
    await until('the first', () => times('state') === 1);
    box.become({});
    await until('the first that was looked at', () => times('state') === 2);
    for (let i = 0; i < 5; i++) box.become({});
    box.become({ modelRefused: 'PACKAGE_INVALID: it is none' });
    await until('why it is degraded', () => times('state') === 3);
    expect(stateAt(broker)).toMatchObject({ state: 'degraded', reasons: [{ code: 'model-refused' }] });
  });

  it('raises alarms and clears them by an empty message, also those that an earlier run left', async () => {
    const alarm = 'wayside/v1/a/b/alarm/model-refused';
    await until('what another run may have left to be cleared', () => broker.retained.get(alarm) === '');
    box.become({ modelRefused: 'PACKAGE_INVALID: it is none' });
    await until('the alarm', () => broker.retained.get(alarm) !== '');
    expect(stateAt(broker, alarm)).toMatchObject({
      ...{ schema: 'wayside/v1/alarm', code: 'model-refused', severity: 'major' },
      causes: [{ camera: null, message: 'PACKAGE_INVALID: it is none' }],
    });
    vi.advanceTimersByTime(10 * MINUTES);
    await until('it to be repeated', () => times('alarm/model-refused') === 3);
    box.become({ modelRefused: undefined });
    await until('it to be cleared', () => broker.retained.get(alarm) === '');
    box.become({ modelRefused: 'PACKAGE_INVALID: it is none' });
    await until('the alarm again', () => broker.retained.get(alarm) !== '');
    await box.stop();
    expect(broker.retained.get(alarm)).toBe('');
  });

  it('goes along to another broker: last words there, everything here, and nothing more there', async () => {
    await until('both', () => times('state') === 1 && times('info') === 1);
    const [next, nextUrl] = await openBroker();
    const loaded = await configurationFor(nextUrl, folder());
    box.daemon.emit('leaving', 'the box now reports elsewhere', false);
    const moved = box.uplink.move(loaded);
    box.become({ loaded, modelRefused: 'PACKAGE_INVALID: it is none' });
    await moved;
    box.daemon.emit('moved');
    await until('all of it', () => next.retained.has(STATE) && next.retained.has('wayside/v1/a/b/info'));
    expect(stateAt(broker)).toMatchObject({
      state: 'offline',
      reasons: [{ message: 'the box now reports elsewhere' }],
    });
    expect(stateAt(next)).toMatchObject({ state: 'degraded' });
  });

  it('says what decodes a camera as soon as that is known, and once', async () => {
    await until('the first', () => times('info') === 1);
    const [config] = (await configurationFor(url, folder())).config.cameras;
    const decoder = { kind: 'v4l2', program: 'ffmpeg', decoder: 'h264_v4l2m2m', reason: null } as const;
    const become = (status: Pick<CameraStatus, 'decoder'>): void => {
      box.become({
        cameras: [
          {
            id: 'gate',
            config,
            regions: [],
            camera: { status: () => ({ id: 'gate', state: 'live', concerns: [], lagMs: null, ...status }) },
          } as unknown as CameraEntry,
        ],
      });
      box.daemon.emit('camera', 'gate');
      box.daemon.emit('camera', 'gate');
    };
    become({ decoder: null });
    await until('the camera', () => times('info') === 2);
    become({ decoder });
    await until('its decoder', () => times('info') === 3);
    expect(stateAt(broker, 'wayside/v1/a/b/info')).toMatchObject({ cameras: [{ id: 'gate', decoder }] });
  });

  it('ends with a goodbye, after which nothing that happens is heard', async () => {
    await until('the first', () => times('state') === 1);
    await box.stop();
    box.become({ modelRefused: 'too late' });
    expect(stateAt(broker)).toMatchObject({
      state: 'offline',
      reasons: [{ code: 'stopped', message: 'ended on request' }],
    });
  });
});

describe('a view of the daemon', () => {
  it('is listened to until the signal aborts, in the order of listening', () => {
    const heard: string[] = [];
    const view = new DaemonView(() => {
      throw new Error('nobody asked');
    });
    const [first, second] = [new AbortController(), new AbortController()];
    view.on('camera', (id) => heard.push(`first ${id}`), first.signal);
    view.on('camera', (id) => heard.push(`second ${id}`), second.signal);
    view.emit('camera', 'a');
    first.abort();
    view.emit('camera', 'b');
    expect(heard).toEqual(['first a', 'second a', 'second b']);
  });
});
