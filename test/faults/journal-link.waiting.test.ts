import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Modem, makeModem, whyNoModem } from '../../bench/harness/site/modem.ts';
import { MESSAGE_KINDS, type MessageOf } from '../../contract/messages/kinds.ts';
import { diskFiles } from '../../core/file-system.ts';
import { verifyJournal } from '../../daemon/journal/verify.ts';
import { journalled, missingNumbers, onDisk } from '../support/journalled.ts';
import { describeWith } from '../support/requirements.ts';
import { LASTING, Rig } from '../support/rig.ts';
import { writeSpotPackage } from '../support/spot-detector.ts';
import { GATE } from '../support/spot-street.ts';
import { until } from '../support/until.ts';

/** A decoder of our own, since a box behind a modem sees no camera of this machine: a spot goes down in a second, again and again, at 10 frames a second. */
const DECODER = `const header = Buffer.from('P6\\n64 64\\n255\\n');
let index = 0;
setInterval(() => {
  const frame = Buffer.alloc(header.length + 64 * 64 * 3);
  header.copy(frame);
  for (let i = header.length; i < frame.length; i++) frame[i] = 18 + ((i * 7919 + index * 104729) % 11);
  const top = Math.floor(((index % 10) / 10) * 72) - 8;
  for (let y = Math.max(0, top); y < Math.min(64, top + 8); y++)
    frame.fill(255, header.length + (y * 64 + 24) * 3, header.length + (y * 64 + 32) * 3);
  index++;
  process.stdout.write(frame);
}, 100);
`;
const PORT = 18831;
const EXPIRY_MS = MESSAGE_KINDS.detections.delivery.expiry.seconds * 1000;

const lacking = await whyNoModem();
const modemMet = { name: 'a modem', met: lacking === undefined, hint: `${lacking}` };

describeWith({ needs: ['mosquitto', modemMet] }, 'what must not be lost, over a link that fails', () => {
  let modem: Modem;
  let rig: Rig;
  beforeEach(async () => {
    modem = await makeModem();
    rig = await Rig.start({
      broker: (folder) => [...LASTING.broker(folder), `listener ${PORT} ${modem.address}`],
      listener: LASTING.listener,
      before: modem.inBox,
      prepare: async (folder) => {
        await writeSpotPackage(join(folder, 'spots'));
        await writeFile(join(folder, 'decoder.cjs'), DECODER);
      },
      config: ({ folder }) => ({
        mqtt: { url: `mqtt://${modem.address}:${PORT}`, keepaliveSeconds: 5 },
        model: { package: 'spots', hangSeconds: 2 },
        cameras: [
          {
            ...{ id: 'north', url: 'rtsp://127.0.0.1/none', rate: 10, lines: [GATE] },
            decoder: { command: [process.execPath, join(folder, 'decoder.cjs')] },
          },
        ],
        journal: { folder: 'journal' },
      }),
    });
    await rig.listener.next('event');
  });
  afterEach(async () => {
    await rig.stop();
    await modem.remove();
  });

  /** How old detections were on arrival, by the one clock of this machine, ms. */
  const agesSince = (since: number): number[] =>
    rig.listener.heard
      .filter(({ kind, at }) => kind === 'detections' && at >= since)
      .map(
        ({ at, message }) => performance.timeOrigin + at - Date.parse((message as MessageOf<'detections'>).capturedAt),
      );

  /** Does something to the link, and waits until everything that was observed meanwhile has arrived. */
  async function through(trouble: () => Promise<void>): Promise<{ ages: number[]; events: number }> {
    const since = performance.now();
    const before = journalled(rig.listener).length;
    await trouble();
    const last = Math.max(...(await onDisk(join(rig.folder, 'journal'))).keys());
    await rig.listener.next('event', ({ journalSeq }) => journalSeq >= last);
    await rig.listener.next('state', ({ state }) => state === 'online');
    return { ages: agesSince(since), events: journalled(rig.listener).length - before };
  }

  /** At least so long, and until so much more is in the journal: a busy machine sees less in that time. */
  async function lasting(ms: number, events: number): Promise<void> {
    const journal = join(rig.folder, 'journal');
    const before = (await onDisk(journal)).size;
    await delay(ms); // the length of the trouble is what is being tried
    await until(`${events} more messages in the journal`, async () => (await onDisk(journal)).size >= before + events);
  }

  async function expectNothingLost(): Promise<void> {
    expect(missingNumbers(rig.listener)).toEqual([]);
    const numbers = journalled(rig.listener).map(({ message }) => message.journalSeq);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect((await verifyJournal(diskFiles, join(rig.folder, 'journal'))).faults).toEqual([]);
  }

  it('arrives in order when the network is back after 12 s, and nothing live arrives late', async () => {
    const { ages, events } = await through(async () => {
      await modem.die();
      await lasting(12_000, 8);
      await modem.revive();
    });
    expect(events).toBeGreaterThanOrEqual(8);
    expect(Math.max(...ages)).toBeLessThan(EXPIRY_MS);
    await expectNothingLost();
  });

  it('goes beside live messages at 16 kbit/s: those are in time or dropped, none of it is lost', async () => {
    const { ages, events } = await through(async () => {
      await modem.thin(16_000, 120_000);
      await lasting(20_000, 12);
      const live = agesSince(performance.now() - 20_000);
      await modem.wide();
      expect(live.length).toBeGreaterThan(10);
    });
    expect(events).toBeGreaterThanOrEqual(12);
    expect(Math.max(...ages)).toBeLessThan(EXPIRY_MS);
    await expectNothingLost();
  });
});
