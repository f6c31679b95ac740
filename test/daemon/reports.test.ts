import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../../daemon/config/load.ts';
import { Reports } from '../../daemon/reports.ts';
import { infoBody } from '../../daemon/status-bodies.ts';
import { UNKNOWN_CLOCK } from '../../daemon/telemetry/clock.ts';
import { temporaryFolder } from '../support/folder.ts';
import { freePort } from '../support/mosquitto.ts';
import { QuietBroker } from '../support/quiet-broker.ts';
import { until } from '../support/until.ts';

const MINUTES = 60_000;

describe('what a box repeats', () => {
  const folder = temporaryFolder();
  let broker: QuietBroker;
  let reports: Reports;
  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const port = await freePort();
    broker = new QuietBroker(port);
    await broker.open();
    const path = join(folder(), 'wayside.yaml');
    const camera = '{ id: gate, url: "rtsp://127.0.0.1/x" }';
    await writeFile(
      path,
      `site: a\nbox: b\nmqtt: { url: "mqtt://127.0.0.1:${port}", keepaliveSeconds: 3600 }\nmodel: { package: p }\ncameras: [${camera}]\n`,
    );
    const loaded = await loadConfig(path);
    reports = new Reports(
      loaded,
      {
        state: () => ({ state: 'online', reasons: [] }),
        info: () => infoBody(undefined, [], loaded.digest),
        camera: () => undefined,
      },
      { log: pino({ level: 'silent' }), clock: () => UNKNOWN_CLOCK },
    );
    reports.start();
  });
  afterEach(async () => {
    await reports.stop();
    await broker.close();
    vi.useRealTimers();
  });

  const times = (name: string): number => broker.heard.filter((topic) => topic === `wayside/v1/a/b/${name}`).length;

  it('is state and info, every ten minutes, for those who get nothing retained', async () => {
    await until('both', () => times('state') === 1 && times('info') === 1);
    vi.advanceTimersByTime(9 * MINUTES);
    for (const round of [2, 3]) {
      vi.advanceTimersByTime(round === 2 ? MINUTES : 10 * MINUTES);
      await until('both again', () => times('state') === round && times('info') === round);
    }
    const repeated = JSON.parse(broker.retained.get('wayside/v1/a/b/state') ?? '{}');
    expect(repeated).toMatchObject({ schema: 'wayside/v1/state', state: 'online' });
  });
});
