import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { rawFrameSource } from '../../../demo/rtsp/raw-frame-source.ts';
import { type RtspServer, startRtspServer } from '../../../demo/rtsp/server.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { describeWith } from '../../support/requirements.ts';
import { writeSpotPackage } from '../../support/spot-detector.ts';
import { runWayside, startWayside } from '../../support/wayside.ts';

const SIDE = 128;
const SPOT = 16;
const FPS = 20;

/** A spot that goes down a dim, noisy wall in three seconds, again and again. */
function goingDown(index: number): Uint8Array {
  const data = new Uint8Array(SIDE * SIDE * 3);
  for (let i = 0; i < data.length; i++) data[i] = 18 + ((i * 7919 + index * 104_729) % 11);
  const top = Math.floor(((index % (3 * FPS)) / (3 * FPS)) * (SIDE + SPOT)) - SPOT;
  for (let y = Math.max(0, top); y < Math.min(SIDE, top + SPOT); y++)
    data.fill(255, (y * SIDE + 48) * 3, (y * SIDE + 48 + SPOT) * 3);
  return data;
}

describeWith({ needs: ['ffmpeg'] }, 'wayside count before a live camera', () => {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder(), name);
  let camera: RtspServer;
  const credentials = { username: 'count', password: 'p/ss' };
  const arguments_ = (...options: string[]): string[] => [
    'count',
    '--config',
    at('box.json'),
    '--model',
    at('spots'),
    ...options,
  ];
  beforeAll(async () => {
    const source = rawFrameSource({ width: SIDE, height: SIDE, fps: FPS, render: goingDown });
    camera = await startRtspServer({ source, credentials });
    await writeSpotPackage(at('spots'));
    await writeFile(at('password'), 'p/ss\n');
    const box = { site: 'a', box: 'b', mqtt: { url: 'mqtt://127.0.0.1' }, model: { package: 'spots' } };
    const lines = [{ id: 'gate', from: [0.1, 0.5], to: [0.9, 0.5] }];
    const north = { id: 'north', url: camera.url, rate: 10, lines, username: 'count', passwordFile: 'password' };
    await writeFile(at('box.json'), JSON.stringify({ ...box, cameras: [north], counting: { intervals: [30] } }));
  });
  afterAll(() => camera.close());

  it('counts for as long as it is told, with the camera and password of the configuration', async () => {
    const { exit, stdout, stderr } = await runWayside(arguments_('--seconds', '8', '--json'));
    expect([exit, stderr]).toEqual([0, '']);
    const document = JSON.parse(stdout) as { seconds: number; crossings: unknown[]; intervals: { coverage: number }[] };
    expect(document.crossings.length).toBeGreaterThanOrEqual(2);
    expect(document.crossings[0]).toMatchObject({ line: 'gate', direction: 'forward', class: 'car' });
    expect(document.seconds).toBeGreaterThan(6);
    expect(document.intervals[0]?.coverage).toBeLessThan(0.35);
  });

  it('counts until Ctrl-C, event by event, and ends well', async () => {
    const { child, done } = startWayside(arguments_('--ndjson'));
    await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
    child.kill('SIGINT');
    const { exit, stdout } = await done;
    expect(exit).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(lines[0]).toMatchObject({ event: 'crossing', line: 'gate' });
    expect(lines.at(-1)).toMatchObject({ result: { video: camera.url } });
  });

  it('says why a camera gives nothing, without its password', async () => {
    const address = camera.url.replace('//', '//count:wr0ng@');
    const { exit, stderr } = await runWayside(['count', address, ...arguments_().slice(1)]);
    expect([exit, stderr]).toEqual([69, expect.stringContaining('error CAMERA_REFUSED: ')]);
    expect(stderr).not.toContain('wr0ng');
  });
});
