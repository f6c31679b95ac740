import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { admitPackage } from '../../../deploy/admit.ts';
import { COCO_CLASSES } from '../../../inference/heads/head.ts';
import { writeModel } from '../../../onnx/file/write.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { describeWith } from '../../support/requirements.ts';
import { spotDetector, writeSpotPackage, writeSpotVideo } from '../../support/spot-detector.ts';
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
      [runWayside(['count', 'rtsp://camera/1', '--config', 'x', '--model', 'y']), 64, 'USAGE', /found an address/],
      [count('missing.mp4'), 66, 'FILE_NOT_FOUND', /missing\.mp4/],
      [count('spot.mkv', '--config', at('slip.yaml')), 78, 'CONFIG_INVALID', /slip\.yaml:2:.*`too`/],
      [count('spot.mkv', '--truth', at('other.json')), 65, 'HAND_COUNT_INVALID', /line "other"; counted are gate/],
      [count('spot.mkv', '--head', 'nanodet-plus'), 65, 'MODEL_UNSUPPORTED', /none of this head/],
    ] as const;
    for (const [run, exit, code, message] of refusals) {
      const { exit: got, stderr } = await run;
      expect([got, stderr]).toEqual([exit, expect.stringContaining(`error ${code}: `)]);
      expect(stderr).toMatch(message);
    }
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
