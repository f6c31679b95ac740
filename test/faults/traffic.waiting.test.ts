import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { MessageOf } from '../../contract/messages/kinds.ts';
import { rawFrameSource } from '../../demo/rtsp/raw-frame-source.ts';
import { type RtspServer, startRtspServer } from '../../demo/rtsp/server.ts';
import { describeWith } from '../support/requirements.ts';
import { Rig } from '../support/rig.ts';
import { writeSpotPackage } from '../support/spot-detector.ts';

const SIDE = 128;
const SPOT = 16;
const FPS = 20;

/** A spot that goes down a dim wall in four seconds, again and again, with a noise that no picture is without. */
function goingDown(index: number): Uint8Array {
  const data = new Uint8Array(SIDE * SIDE * 3);
  for (let i = 0; i < data.length; i++) data[i] = 18 + ((i * 7919 + index * 104_729) % 11);
  const top = Math.floor(((index % (4 * FPS)) / (4 * FPS)) * (SIDE + SPOT)) - SPOT;
  for (let y = Math.max(0, top); y < Math.min(SIDE, top + SPOT); y++)
    data.fill(255, (y * SIDE + 48) * 3, (y * SIDE + 48 + SPOT) * 3);
  return data;
}

describeWith({ needs: ['ffmpeg', 'mosquitto'] }, 'a detector in the daemon', () => {
  let rig: Rig;
  let camera: RtspServer;
  beforeAll(async () => {
    const source = rawFrameSource({ width: SIDE, height: SIDE, fps: FPS, render: goingDown });
    camera = await startRtspServer({ source });
    rig = await Rig.start({
      prepare: (folder) => writeSpotPackage(join(folder, 'spots')),
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
    const { message: counts } = await listener.next('counts', ({ coverage }) => coverage > 0.9, { within: 80_000 });
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
      within: 90_000,
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
