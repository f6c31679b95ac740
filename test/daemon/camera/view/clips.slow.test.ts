import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { seededRandom } from '../../../../core/random.ts';
import { lightAt } from '../../../../demo/scene/light.ts';
import { createScene } from '../../../../demo/scene/scene.ts';
import type { RgbImage } from '../../../../inference/image.ts';
import { decodedViews } from '../../../support/decoded-views.ts';
import { describeWith, sharedData } from '../../../support/requirements.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wayside-view-'));
});
afterAll(() => rm(folder, { recursive: true }));

const FPS = 5;
/** From what a good camera sends to what one does behind a thin link, and with what camera makers call a smart codec. */
const ENCODINGS = {
  good: ['-c:v', 'libx264', '-preset', 'superfast', '-tune', 'zerolatency', '-crf', '20', '-g', String(FPS)],
  coarse: ['-c:v', 'libx264', '-preset', 'superfast', '-tune', 'zerolatency', '-crf', '42', '-g', String(2 * FPS)],
  thin: [
    '-c:v',
    'libx264',
    '-preset',
    'veryfast',
    '-bf',
    '0',
    '-b:v',
    '40k',
    '-maxrate',
    '40k',
    '-bufsize',
    '80k',
    '-g',
    String(4 * FPS),
  ],
  smart: [
    '-c:v',
    'libx264',
    '-preset',
    'superfast',
    '-bf',
    '0',
    '-crf',
    '38',
    '-g',
    String(20 * FPS),
    '-sc_threshold',
    '0',
  ],
  hevc: [
    '-c:v',
    'libx265',
    '-preset',
    'ultrafast',
    '-crf',
    '34',
    '-x265-params',
    `log-level=error:bframes=0:keyint=${2 * FPS}`,
  ],
} as const;
type Encoding = keyof typeof ENCODINGS;

async function encode(
  name: string,
  encoding: Encoding,
  seconds: number,
  size: string,
  frame: (index: number) => Uint8Array,
): Promise<string> {
  const path = join(folder, `${name}-${encoding}.mkv`);
  const input = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-video_size', size, '-framerate', String(FPS), '-i', 'pipe:0'];
  const output = [...ENCODINGS[encoding], '-pix_fmt', 'yuv420p', '-threads', '1', '-y', path];
  const running = promisify(execFile)('ffmpeg', ['-hide_banner', '-loglevel', 'error', ...input, ...output]);
  for (let index = 0; index < seconds * FPS; index++) {
    if (!running.child.stdin?.write(frame(index)))
      await new Promise((resolve) => running.child.stdin?.once('drain', resolve));
  }
  running.child.stdin?.end();
  await running;
  return path;
}

/** The first seed whose street lies in dusk. */
const duskSeed = Array.from({ length: 100 }, (_, seed) => seed).find((seed) => lightAt(seed, 0).dusk)!;

/** Every fourth pixel each way, and three tenths of the light. */
function atNight({ width, height, data }: RgbImage): RgbImage {
  const small = { width: width / 4, height: height / 4, data: new Uint8Array(data.length / 16) };
  for (let y = 0, at = 0; y < small.height; y++) {
    for (let x = 0; x < small.width; x++) {
      for (let channel = 0; channel < 3; channel++)
        small.data[at++] = data[(4 * y * width + 4 * x) * 3 + channel]! * 0.3;
    }
  }
  return small;
}

/** The street at dusk, darkened to night, without traffic that moves: only the sensor's noise is alive. */
function emptyNight(): { size: string; frame: (index: number) => Uint8Array } {
  const image = atNight(createScene(duskSeed).frame(0).image);
  const random = seededRandom(3);
  const noise = Int8Array.from({ length: 1 << 16 }, () => Math.round(random.normal() * 1.2));
  return {
    size: `${image.width}x${image.height}`,
    frame: () => {
      const offset = Math.floor(random.next() * noise.length);
      const noisy = new Uint8Array(image.data.length);
      for (let i = 0; i < noisy.length; i++) noisy[i] = Math.max(0, image.data[i]! + noise[(i * 7 + offset) & 0xffff]!);
      return noisy;
    },
  };
}

describeWith({ needs: ['ffmpeg'] }, 'a street at night', () => {
  it.each(Object.keys(ENCODINGS) as Encoding[])(
    'is never called blind, encoded %s, though it is empty',
    async (encoding) => {
      const { size, frame } = emptyNight();
      const views = await decodedViews(['-i', await encode('empty', encoding, 70, size, frame)]);
      expect(views.map(({ view }) => view)).toEqual(['ok']);
    },
  );

  it('is never called blind with its traffic', async () => {
    const scene = createScene(duskSeed);
    const dark = (index: number): Uint8Array => atNight(scene.frame(index * 5).image).data;
    const path = await encode('traffic', 'coarse', 40, `${scene.width / 4}x${scene.height / 4}`, dark);
    const views = await decodedViews(['-i', path], { shorterSide: 90 });
    expect(views.map(({ view }) => view)).toEqual(['ok']);
  });
});

describeWith({ needs: ['ffmpeg'] }, 'an image that stopped', () => {
  it.each(Object.keys(ENCODINGS) as Encoding[])('is frozen, encoded %s', async (encoding) => {
    const { size, frame } = emptyNight();
    const still = frame(0);
    const views = await decodedViews(['-i', await encode('still', encoding, 90, size, () => still)]);
    process.stdout.write(`    ${encoding}: ${JSON.stringify(views)}\n`);
    expect(views.map(({ view }) => view)).toEqual(['ok', 'frozen']);
    // Two keyframes that are 20 s apart, after the one that changed something, cannot be had sooner.
    expect(views[1]?.at).toBeLessThan(encoding === 'smart' ? 65 : 30);
  });
});

describeWith({ needs: ['ffmpeg'] }, 'test images', () => {
  it.each([
    ['smptebars', 'test-pattern'],
    ['smptehdbars', 'test-pattern'],
    ['pal75bars', 'test-pattern'],
    ['pal100bars', 'test-pattern'],
    ['color=c=black', 'dark'],
    ['color=c=gray', 'covered'],
    ['color=c=white', 'covered'],
    ['color=c=blue', 'covered'],
  ])('%s is called %s', async (source, view) => {
    const path = join(folder, 'pattern.mkv');
    const size = source.includes('=') ? ':s=640x360:r=5' : '=s=640x360:r=5';
    const args = [
      '-loglevel',
      'error',
      '-f',
      'lavfi',
      '-t',
      '20',
      '-i',
      `${source}${size}`,
      ...ENCODINGS.good,
      '-y',
      path,
    ];
    await promisify(execFile)('ffmpeg', args);
    const views = await decodedViews(['-i', path]);
    expect(views.at(-1)).toMatchObject({ view });
    expect(views.at(-1)?.at).toBeLessThan(15);
  });
});

describeWith({ needs: ['ffmpeg', 'data'] }, 'real clips', () => {
  it.each(['vct-input-video.mp4', 'intel-car-detection.mp4', 'toc-pedestrian-surveillance.mp4'])(
    '%s is never called blind, played three times over, as it is and at a low bitrate',
    async (name) => {
      const clip = join(sharedData()!, 'video', name);
      const looped = ['-stream_loop', '2', '-i', clip];
      expect((await decodedViews(looped)).map(({ view }) => view)).toEqual(['ok']);
      const thin = join(folder, `${name}.mkv`);
      const coding = [
        '-an',
        '-c:v',
        'libx264',
        '-preset',
        'superfast',
        '-bf',
        '0',
        '-crf',
        '45',
        '-g',
        '250',
        '-threads',
        '1',
      ];
      await promisify(execFile)('ffmpeg', ['-loglevel', 'error', ...looped, ...coding, '-y', thin]);
      expect((await decodedViews(['-i', thin])).map(({ view }) => view)).toEqual(['ok']);
    },
  );
});

describeWith({ needs: ['ffmpeg', 'data'] }, 'real clips of a camera that changes', () => {
  const clip = (name: string, seconds = 70): string[] => [
    ...['-stream_loop', '9', '-t', String(seconds), '-i', join(sharedData()!, 'video', name)],
  ];
  const sways = `crop=w=iw*0.95:h=ih*0.95:x=iw*0.02+iw*0.008*sin(t*9):y=ih*0.02+ih*0.01*sin(t*7)`;
  const dims = `eq=contrast=0.35:brightness=-0.25:enable='gte(t,40)'`;
  it.each(['vct-input-video.mp4', 'intel-car-detection.mp4', 'toc-pedestrian-surveillance.mp4'])(
    '%s is called moved once it is, not when it sways or grows dim',
    async (name) => {
      const moves = `crop=w=iw*0.9:h=ih:x='if(gte(t,40),iw*0.06,0)':y=0`;
      const views = await decodedViews(clip(name), { change: moves });
      expect(views.map(({ view }) => view)).toEqual(['ok', 'moved']);
      expect(views[1]!.at).toBeLessThan(70);
      for (const change of [sways, dims])
        expect((await decodedViews(clip(name), { change })).map(({ view }) => view)).toEqual(['ok']);
    },
  );

  // The car park's clip shows smooth asphalt: it has too few edges to say anything of the lens.
  it.each(['vct-input-video.mp4', 'toc-pedestrian-surveillance.mp4'])(
    '%s is called blurred once its lens lost the focus, a little or wholly',
    async (name) => {
      for (const sigma of [4, 20]) {
        const views = await decodedViews(clip(name, 50), { change: `gblur=sigma=${sigma}:enable='gte(t,20)'` });
        expect(views.map(({ view }) => view)).toEqual(['ok', 'blurred']);
        expect(views[1]!.at).toBeLessThan(50);
      }
    },
  );
});
