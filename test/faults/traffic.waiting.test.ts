import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { MessageOf } from '../../contract/messages/kinds.ts';
import type { RtspServer } from '../../demo/rtsp/server.ts';
import { describeWith } from '../support/requirements.ts';
import { Rig } from '../support/rig.ts';
import { writeSpotPackage } from '../support/spot-detector.ts';
import { startSpotCamera } from '../support/spot-street.ts';

describeWith({ needs: ['ffmpeg', 'mosquitto'] }, 'a detector in the daemon', () => {
  let rig: Rig;
  let camera: RtspServer;
  beforeAll(async () => {
    camera = await startSpotCamera({ columns: [48], seconds: 4 });
    rig = await Rig.start({
      prepare: async (folder) => void (await writeSpotPackage(join(folder, 'spots'))),
      config: () => ({
        model: { package: 'spots', hangSeconds: 2 },
        cameras: [
          {
            id: 'north',
            url: camera.url,
            rate: 10,
            lines: [{ id: 'gate', from: [0.1, 0.5], to: [0.9, 0.5] }],
            zones: [
              {
                id: 'lower',
                polygon: [
                  [0, 0.6],
                  [1, 0.6],
                  [1, 1],
                  [0, 1],
                ],
              },
            ],
          },
        ],
        counting: { intervals: [30] },
        journal: { folder: 'journal' },
      }),
    });
  });
  afterAll(async () => {
    await rig.stop();
    await camera.close();
  });

  it('tells of objects that keep their track from frame to frame', async () => {
    const { message } = await rig.listener.next('detections', ({ objects = [] }) => objects.length > 0);
    expect(message.regions).toEqual([]);
    expect(message.model).toMatchObject({ name: 'spots' });
    const [first] = message.objects ?? [];
    expect(first).toMatchObject({ class: 'car', region: null, speed: null });
    const later = await rig.listener.next('detections', ({ objects = [] }) =>
      objects.some(({ track, box }) => track === first?.track && (box[1] ?? 0) > (first?.box[1] ?? 1)),
    );
    expect(later.message.frame.sequence).toBeGreaterThan(message.frame.sequence);
  });

  it('tells what each did, and counts it by even intervals, of which it says how much was seen', async () => {
    const { listener } = rig;
    const { message: counts } = await listener.next('counts', ({ coverage }) => coverage > 0.9);
    const { from, to } = counts.interval;
    expect([Date.parse(from) % 30_000, Date.parse(to) - Date.parse(from)]).toEqual([0, 30_000]);
    expect(counts).toMatchObject({ camera: 'north', revision: 0, uncounted: 0, models: [{ name: 'spots' }] });
    const events = listener.heard
      .filter((each) => each.kind === 'event')
      .map(({ message }) => message as MessageOf<'event'>);
    const crossed = events.filter(({ event, at }) => event === 'crossing' && at >= from && at < to);
    // One in four seconds; the first and the last may lie beyond.
    expect(crossed.length).toBeGreaterThanOrEqual(6);
    expect(crossed.every(({ direction, class: name }) => direction === 'forward' && name === 'car')).toBe(true);
    const flow = counts.flows?.find(({ direction }) => direction === 'forward');
    expect(flow).toMatchObject({ line: 'gate', count: crossed.length, classes: { car: crossed.length } });
    expect(counts.flows?.find(({ direction }) => direction === 'backward')).toMatchObject({ count: 0, classes: {} });
    expect(counts.occupancy?.['lower']).toBeGreaterThan(0.1);
    expect(events.some(({ event, zone }) => event === 'entered' && zone === 'lower')).toBe(true);
    const numbers = listener.heard
      .filter(({ kind }) => kind === 'event' || kind === 'counts')
      .map(({ message }) => (message as MessageOf<'event'>).journalSeq);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  });

  it('does not hold for zero what it did not see, while its camera is away', async () => {
    const after = performance.now();
    await camera.close();
    const { message } = await rig.listener.next('counts', ({ coverage }) => coverage === 0, {
      after,
    });
    expect(message).toMatchObject({ flows: null, occupancy: null, models: [] });
  });

  it('says so where lines are drawn and the model finds no objects', async () => {
    const after = performance.now();
    await rig.reconfigure({ model: { package: 'package', hangSeconds: 2 } });
    const { message } = await rig.listener.next(
      'state',
      ({ reasons }) => reasons.some(({ code }) => code === 'counts-impossible'),
      { after },
    );
    expect(message.state).toBe('degraded');
  });
});

describeWith({ needs: ['ffmpeg', 'mosquitto'] }, 'a classifier in the daemon that is shown what moves', () => {
  let rig: Rig;
  let camera: RtspServer;
  beforeAll(async () => {
    camera = await startSpotCamera({ columns: [48], seconds: 4, colour: [250, 10, 10] });
    rig = await Rig.start({
      config: () => ({
        cameras: [
          {
            id: 'north',
            url: camera.url,
            rate: 10,
            proposals: 'motion',
            lines: [{ id: 'gate', from: [0.1, 0.5], to: [0.9, 0.5] }],
          },
        ],
        counting: { intervals: [30], classes: { spot: ['red'] } },
        journal: { folder: 'journal' },
      }),
    });
  });
  afterAll(async () => {
    await rig.stop();
    await camera.close();
  });

  it('tells of objects without any region, and counts what crosses a line', async () => {
    const { listener } = rig;
    const { message } = await listener.next('event', ({ event }) => event === 'crossing');
    expect(message).toMatchObject({ line: 'gate', direction: 'forward', class: 'spot' });
    const { message: seen } = await listener.next('detections', ({ objects = [] }) => objects.length > 0);
    expect(seen).toMatchObject({ regions: [], objects: [{ class: 'spot' }] });
    const states = listener.heard.flatMap(({ kind, message: said }) =>
      kind === 'state' ? (said as MessageOf<'state'>).reasons : [],
    );
    expect(states.map(({ code }) => code)).not.toContain('counts-impossible');
  });
});
