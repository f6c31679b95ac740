import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MessageOf } from '../../contract/messages/kinds.ts';
import { diskFiles } from '../../core/file-system.ts';
import { verifyJournal } from '../../daemon/journal/verify.ts';
import type { RtspServer } from '../../demo/rtsp/server.ts';
import { journalled, missingNumbers, onDisk } from '../support/journalled.ts';
import { Level4Gateway } from '../support/level-4-gateway.ts';
import { describeWith } from '../support/requirements.ts';
import { LASTING, Rig, type RigOptions } from '../support/rig.ts';
import { writeSpotPackage } from '../support/spot-detector.ts';
import { GATE, startSpotCamera } from '../support/spot-street.ts';
import { until } from '../support/until.ts';

describeWith({ needs: ['ffmpeg', 'mosquitto'] }, 'the journal of a daemon that counts', () => {
  let rig: Rig;
  let camera: RtspServer;
  let journal: string;
  beforeEach(async () => {
    camera = await startSpotCamera({ columns: [16, 64, 96], seconds: 2 });
  });
  afterEach(async () => {
    await rig.stop();
    await camera.close();
  });

  async function start(broker: NonNullable<RigOptions['broker']>, url?: (brokerPort: number) => string): Promise<void> {
    rig = await Rig.start({
      ...{ broker, listener: LASTING.listener },
      prepare: async (folder) => void (await writeSpotPackage(join(folder, 'spots'))),
      config: (made) => ({
        mqtt: { url: url?.(made.broker.port) ?? made.broker.url, keepaliveSeconds: 5 },
        model: { package: 'spots', hangSeconds: 2 },
        cameras: [{ id: 'north', url: camera.url, rate: 10, lines: [GATE] }],
        counting: { intervals: [30] },
        journal: { folder: 'journal' },
      }),
    });
    journal = join(rig.folder, 'journal');
  }

  it('gives up nothing that was on the disk of one that is killed while its broker is away, and names what the cut took', async () => {
    await start(LASTING.broker);
    await rig.listener.next('event');
    await rig.broker.stop();
    const confirmed = journalled(rig.listener).length;
    await until('five events more on the disk', async () => (await onDisk(journal)).size >= confirmed + 5);
    await rig.daemon.end('SIGKILL');
    const kept = await onDisk(journal);
    const last = Math.max(...kept.keys());
    rig.startDaemon();
    await until('events of the next run on the disk', async () => (await onDisk(journal)).size >= kept.size + 3);
    await rig.broker.start();

    const gap = await rig.listener.next('journal-gap', ({ reason }) => reason === 'power-cut');
    await rig.listener.next('event', ({ journalSeq }) => journalSeq > gap.message.to);
    const ids = new Map(journalled(rig.listener).map(({ message }) => [message.id, message.journalSeq]));
    expect([...kept].filter(([number, { id }]) => ids.get(id) !== number)).toEqual([]);
    expect(gap.message.from).toBe(last + 1);
    const numbers = [...ids.values()];
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(missingNumbers(rig.listener)).toEqual([]);
    expect((await verifyJournal(diskFiles, journal)).faults).toEqual([]);
  });

  describe.each([{ protocol: '5' }, { protocol: '3.1.1' }])('under MQTT $protocol', ({ protocol }) => {
    let gateway: Level4Gateway | undefined;
    afterEach(async () => {
      await gateway?.close();
      gateway = undefined;
    });

    it('holds back what the broker does not let through, says which topic, and skips nothing when it may', async () => {
      const names = ['state', 'info', 'telemetry', 'camera/+/status', 'camera/+/detections', 'camera/+/event/+'];
      const allow = async (folder: string, ...more: string[]): Promise<void> => {
        const lines = [...names, 'journal/+', 'alarm/+', ...more].map(
          (name) => `topic write wayside/v1/test/one/${name}`,
        );
        await writeFile(join(folder, 'acl'), ['topic read #', ...lines, ''].join('\n'), { mode: 0o600 });
      };
      let port = 0;
      if (protocol === '3.1.1') gateway = await Level4Gateway.start(() => port);
      const broker = async (folder: string): Promise<string[]> => {
        await allow(folder);
        return [...LASTING.broker(folder), `acl_file ${join(folder, 'acl')}`];
      };
      await start(broker, (brokerPort) => {
        port = brokerPort;
        return gateway?.url ?? `mqtt://127.0.0.1:${brokerPort}`;
      });
      const refused = await rig.listener.next('state', ({ reasons }) =>
        reasons.some(({ code, message }) => code === 'topic-refused' && /camera\/north\/counts/.test(message)),
      );
      expect(refused.message.state).toBe('degraded');
      const alarm = await rig.listener.next('alarm', ({ code }) => code === 'topic-refused');
      expect(alarm.message.causes).toMatchObject([{ message: expect.stringMatching(/camera\/north\/counts/) }]);
      expect(rig.daemon.log).toContain(`"protocol":"${protocol}"`);
      const held = Math.min(
        ...[...(await onDisk(journal))].flatMap(([number, { kind }]) => (kind === 'counts' ? [number] : [])),
      );
      await until('events behind it', async () => Math.max(...(await onDisk(journal)).keys()) > held + 3);

      await rig.broker.stop();
      await allow(rig.folder, 'camera/+/counts');
      await rig.broker.start();
      const counts = await rig.listener.next('counts', () => true);
      expect((counts.message as MessageOf<'counts'>).journalSeq).toBe(held);
      const kept = Math.max(...(await onDisk(journal)).keys());
      await rig.listener.next('event', ({ journalSeq }) => journalSeq >= kept);
      expect(missingNumbers(rig.listener)).toEqual([]);
      await rig.listener.next('state', ({ state }) => state === 'online', { after: counts.at });
    });
  });
});
