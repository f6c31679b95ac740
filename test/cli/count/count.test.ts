import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { schemeFor } from '../../../cli/count/document.ts';
import { admitPackage } from '../../../deploy/admit.ts';
import { COCO_CLASSES } from '../../../inference/heads/head.ts';
import { openModel } from '../../../inference/package.ts';
import { writeModel } from '../../../onnx/file/write.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { describeWith } from '../../support/requirements.ts';
import { spotDetector, writeSpotGrid, writeSpotPackage, writeSpotVideo } from '../../support/spot-detector.ts';
import { runWayside } from '../../support/wayside.ts';

/** Between the ground points of a car in the second and in the third row of cells: passed when the spot is at 12 pixels, after 1.5 s. */
const LINE = { id: 'gate', from: [0.1, 0.4375], to: [0.9, 0.4375] };
const crossing = { line: 'gate', t: 1.5, class: 'car', direction: 'forward' };

describeWith({ needs: ['ffmpeg'] }, 'wayside count', () => {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder(), name);
  const count = (video: string, ...options: string[]) =>
    runWayside([
      'count',
      at(video),
      '--config',
      at('lines.json'),
      '--model',
      at('spots.onnx'),
      '--head',
      'yolox',
      ...options,
    ]);
  const before = (address: string, ...options: string[]) =>
    runWayside([
      'count',
      address,
      '--config',
      at('lines.json'),
      '--model',
      at('spots.onnx'),
      '--head',
      'yolox',
      ...options,
    ]);
  beforeAll(async () => {
    await writeModel(spotDetector(), at('spots.onnx'));
    await writeSpotVideo(at('spot.mkv'));
    await writeFile(at('lines.json'), JSON.stringify({ lines: [LINE], intervalSeconds: 4 }));
    await writeFile(at('truth.json'), JSON.stringify({ lines: [LINE], crossings: [crossing, { ...crossing, t: 5 }] }));
  });

  it('prints what crossed, by interval, and how far that is from a hand count', async () => {
    const { exit, stdout } = await count('spot.mkv', '--truth', at('truth.json'), '--json');
    expect(exit).toBe(0);
    const document = JSON.parse(stdout) as Record<string, unknown>;
    expect(document).toMatchObject({
      seconds: expect.closeTo(5.9, 1),
      frames: 60,
      crossings: [{ line: 'gate', direction: 'forward', class: 'car', t: expect.closeTo(1.5, 0) }],
      intervals: [
        { from: 0, to: 4, coverage: 1, counts: [{ line: 'gate', direction: 'forward', class: 'car', count: 1 }] },
        { from: 4, to: 8, coverage: expect.closeTo(1.9 / 4, 2), counts: [] },
      ],
      accuracy: { truth: 2, counted: 1, matched: 1, missed: 1, false: 0, wrongClass: 0 },
      warnings: [],
    });
  });

  it('takes a hand count for its configuration, and says it to a person', async () => {
    const { exit, stdout } = await count('spot.mkv', '--config', at('truth.json'), '--truth', at('truth.json'));
    expect(exit).toBe(0);
    expect(stdout).toMatch(/gate +forward +car +1/);
    expect(stdout).toContain('by hand 2 and 0 contested: 1 missed');
  });

  it('takes a package that says how it is read, and so does a daemon', async () => {
    await writeSpotPackage(
      at('package'),
      COCO_CLASSES.map((name) => (name === 'car' ? 'cart' : name)),
    );
    await writeFile(at('carts.yaml'), `lines: [${JSON.stringify(LINE)}]\nclasses: {cart: [cart, waggon]}\n`);
    const asked = ['count', at('spot.mkv'), '--config', at('carts.yaml'), '--model', at('package')];
    const { stdout } = await runWayside([...asked, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      crossings: [{ line: 'gate', class: 'cart' }],
      warnings: ['the model knows no class "waggon"'],
    });
    expect(await runWayside([...asked, '--head', 'yolox'])).toMatchObject({ exit: 64 });
    expect(await admitPackage(at('package'))).toMatchObject({ manifest: { task: 'detector' } });
    const { scheme } = schemeFor(COCO_CLASSES, undefined, await openModel(at('package')));
    expect(new Set(scheme.begins)).toEqual(new Set([0.1]));
    expect(schemeFor(COCO_CLASSES, undefined, await openModel(at('spots.onnx'))).scheme.begins).toBeUndefined();
  });

  it('takes a package whose model gives scores in cells', async () => {
    await writeSpotGrid(at('grid'));
    const { stdout } = await runWayside([
      'count',
      at('spot.mkv'),
      '--config',
      at('lines.json'),
      '--model',
      at('grid'),
      '--json',
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ crossings: [{ line: 'gate', direction: 'forward', class: 'car' }] });
  });

  it('looks at as many frames as it is told', async () => {
    const { stdout } = await count('spot.mkv', '--rate', '5', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ frames: 30, crossings: [{ line: 'gate' }] });
  });

  it('refuses what is no video, no configuration, no hand count and no detector, each by its cause', async () => {
    await writeFile(at('text.mp4'), 'this is no video');
    await writeFile(at('slip.yaml'), 'lines:\n  - {id: a, from: [0, 0], too: [1, 1]}\n');
    await writeFile(at('other.json'), JSON.stringify({ crossings: [{ ...crossing, line: 'other' }] }));
    const refusals = [
      [count('text.mp4'), 65, 'VIDEO_INVALID', /text\.mp4: no frame can be decoded: .*Invalid data/],
      [count('spot.mkv', '--seconds', '5'), 64, 'USAGE', /--seconds goes with a live camera/],
      [count('spot.mkv', '--ndjson', '--json'), 64, 'USAGE', /--ndjson.*--json/],
      [before('rtsp://127.0.0.1:9/x', '--truth', at('truth.json')), 64, 'USAGE', /--truth goes with a video file/],
      [before('http://user:hidden@camera/1'), 64, 'USAGE', /found http:\/\/\S*camera/],
      [before('rtsp://user:hidden@127.0.0.1:9/x'), 69, 'CAMERA_LOST', /127\.0\.0\.1/],
      [count('spot.mkv', '--camera', 'north'), 64, 'USAGE', /no configuration of a daemon/],
      [count('missing.mp4'), 66, 'FILE_NOT_FOUND', /missing\.mp4/],
      [count('spot.mkv', '--config', at('slip.yaml')), 78, 'CONFIG_INVALID', /slip\.yaml:2:.*`too`/],
      [count('spot.mkv', '--truth', at('other.json')), 65, 'HAND_COUNT_INVALID', /line "other"; counted are gate/],
      [count('spot.mkv', '--head', 'nanodet-plus'), 65, 'MODEL_UNSUPPORTED', /none of this head/],
    ] as const;
    for (const [run, exit, code, message] of refusals) {
      const { exit: got, stderr } = await run;
      expect([got, stderr]).toEqual([exit, expect.stringContaining(`error ${code}: `)]);
      expect(stderr).toMatch(message);
      expect(stderr).not.toContain('hidden');
    }
  });

  /** The ground point of the spot is 12 pixels of 64 below its middle; it goes 8 pixels a second. A pixel is a metre here. */
  const street = {
    lines: [{ ...LINE, wrongWay: 'forward', lanes: [{ id: 'west', from: 0, to: 0.6 }] }],
    zones: [
      {
        id: 'square',
        polygon: [
          [0, 0.5],
          [1, 0.5],
          [1, 0.8],
          [0, 0.8],
        ],
      },
    ],
    movements: [{ id: 'through', from: 'gate', to: 'square' }],
    calibration: {
      image: [
        [0, 0],
        [1, 0],
        [1, 1],
        [0, 1],
      ],
      metres: [
        [0, 0],
        [64, 0],
        [64, 64],
        [0, 64],
      ],
    },
  };

  it('tells of zones, movements, lanes, wrong ways and speeds by the keys that the daemon has', async () => {
    await writeFile(at('street.json'), JSON.stringify({ ...street, counting: { intervals: [60, 30] } }));
    const { exit, stdout } = await count('spot.mkv', '--config', at('street.json'), '--json');
    expect(exit).toBe(0);
    const document = JSON.parse(stdout) as { events: { event: string; t: number }[] };
    expect(document).toMatchObject({ intervalSeconds: 30 });
    // The spot is seen a cell of 8 pixels further each second, at once: the slope over 0.8 s is that of a step (exact ones: vision/traffic.test.ts).
    const speed = expect.closeTo(8, -1) as unknown;
    expect(document.events).toEqual([
      expect.objectContaining({
        event: 'crossing',
        line: 'gate',
        lane: 'west',
        direction: 'forward',
        class: 'car',
        speed,
      }),
      expect.objectContaining({ event: 'wrong-way', line: 'gate', zone: null }),
      expect.objectContaining({ event: 'entered', zone: 'square', seconds: null }),
      expect.objectContaining({ event: 'movement', movement: 'through' }),
      expect.objectContaining({ event: 'left', zone: 'square' }),
    ]);
    expect(document).toMatchObject({
      flows: expect.arrayContaining([
        expect.objectContaining({
          line: 'gate',
          direction: 'forward',
          lane: 'west',
          count: 1,
          speed: expect.objectContaining({ measured: 1, mean: speed }),
        }),
      ]) as unknown,
    });
    const { stdout: text } = await count('spot.mkv', '--config', at('street.json'));
    expect(text).toMatch(/entered +square +car +1/);
    expect(text).toMatch(/gate +forward +1 +\d+ km\/h/);
  });

  it('takes the configuration of a daemon, of which it wants one camera', async () => {
    const { lines, zones } = street;
    const camera = (id: string) => ({ id, url: 'rtsp://127.0.0.1:9/x', rate: 5, lines, zones });
    const box = { site: 'a', box: 'b', mqtt: { url: 'mqtt://127.0.0.1' }, model: { package: 'p' } };
    await writeFile(at('box.json'), JSON.stringify({ ...box, cameras: [camera('north'), camera('south')] }));
    const asked = ['spot.mkv', '--config', at('box.json'), '--json'] as const;
    expect(await count(...asked)).toMatchObject({
      exit: 64,
      stderr: expect.stringContaining('north, south') as unknown,
    });
    const { stdout } = await count(...asked, '--camera', 'south');
    expect(JSON.parse(stdout)).toMatchObject({ frames: 30, crossings: [{ line: 'gate' }] });
  });

  it('prints every event as a line, and the result as the last one', async () => {
    const { exit, stdout } = await count('spot.mkv', '--ndjson');
    expect(exit).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toEqual([
      expect.objectContaining({ event: 'crossing', line: 'gate', class: 'car' }),
      { result: expect.objectContaining({ frames: 60 }) as unknown },
    ]);
  });

  it('says that a video breaks off, and does not count in silence', async () => {
    const whole = await readFile(at('spot.mkv'));
    await writeFile(at('cut.mkv'), whole.subarray(0, Math.floor(whole.length * 0.5)));
    const { exit, stdout } = await count('cut.mkv', '--json');
    expect(exit).toBe(0);
    const { warnings, seconds } = JSON.parse(stdout) as { warnings: string[]; seconds: number };
    expect(warnings.join()).toMatch(/decoder: the file says that it lasts 6\.0 s, and its frames end at [0-4]/);
    expect(seconds).toBeLessThan(5);
  });
});
