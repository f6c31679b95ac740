import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DaemonProcess } from '../support/daemon-process.ts';
import { describeWith } from '../support/requirements.ts';
import { Rig } from '../support/rig.ts';
import { ServiceManager } from '../support/service-manager.ts';
import { until } from '../support/until.ts';

describeWith({ needs: ['ffmpeg', 'mosquitto'] }, 'under a service manager', () => {
  let rig: Rig;
  let manager: ServiceManager;
  const socket = `@wayside-systemd-${process.pid}`;
  beforeAll(async () => {
    manager = new ServiceManager(socket);
    rig = await Rig.start({ environment: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '3000000' } });
    await rig.working();
  });
  afterAll(async () => {
    await rig.stop();
    manager.close();
  });
  const told = (what: string | RegExp): Promise<number> =>
    until(`${what}`, () => {
      const index = manager
        .read()
        .findLastIndex((each) => (typeof what === 'string' ? each === what : what.test(each)));
      return index < 0 ? undefined : index + 1;
    });

  it('says READY, how it is, and gives signs of life while it works', async () => {
    await told('READY=1');
    await told('STATUS=1 of 1 cameras live, colours 1, broker connected');
    await told('WATCHDOG=1');
  });

  it('frames a reload with RELOADING, its time, and READY', async () => {
    await rig.reconfigure({});
    const reloading = await told('RELOADING=1');
    expect(await told(/^MONOTONIC_USEC=\d+$/)).toBe(reloading + 1);
    await until('READY after it', () => manager.read().lastIndexOf('READY=1') > reloading);
  });

  it('goes on without a model whose package was damaged, and says so', async () => {
    await rig.daemon.end();
    await told('STOPPING=1');
    await rm(join(rig.folder, 'package', 'model.onnx'));
    await writeFile(join(rig.folder, 'package', 'model.onnx'), 'not what it was');
    const before = performance.now();
    const daemon = new DaemonProcess(rig.configPath);
    const { message } = await rig.listener.next(
      'state',
      ({ reasons }) => reasons.some(({ code }) => code === 'model-refused'),
      {
        after: before,
      },
    );
    expect(message.reasons[0]?.message).toMatch(/^PACKAGE_INVALID: .*model\.onnx: expected \d+ bytes, got 15$/);
    expect(await daemon.end()).toBe(0);
  });
});
