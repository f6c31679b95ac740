import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { Browser } from '../../../scripts/browser.ts';
import { describeWith, program, sharedData } from '../../support/requirements.ts';

const BIN = join(PACKAGE_ROOT, 'bin', 'wayside.js');
/** Where a person may look at what was seen here. */
const SCREENSHOTS = process.env['WAYSIDE_SCREENSHOTS'];

/** Facts that the page shows, read out of it. */
const SEEN = `({
  frames: Number(document.getElementById('image').dataset.frames ?? 0),
  health: document.getElementById('health').textContent,
  level: document.getElementById('health').dataset.level,
  regions: [...document.querySelectorAll('#regions tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent)),
  flows: [...document.querySelectorAll('#counts tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent)),
  regionsShown: document.getElementById('region-section').offsetHeight > 0,
  topics: [...document.querySelectorAll('#messages summary')].map((summary) => summary.firstChild.textContent),
  figures: document.getElementById('figures').textContent,
  wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
  waiting: document.getElementById('no-image').offsetHeight > 0,
  bright: (() => {
    const canvas = document.getElementById('image');
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
    let [least, most] = [255, 0];
    for (let i = 0; i < data.length; i += 4) {
      least = Math.min(least, data[i]);
      most = Math.max(most, data[i]);
    }
    return most - least;
  })(),
})`;

interface Seen {
  readonly frames: number;
  readonly health: string;
  readonly level: string;
  readonly regions: readonly (readonly string[])[];
  readonly flows: readonly (readonly string[])[];
  readonly regionsShown: boolean;
  readonly topics: readonly string[];
  readonly figures: string;
  readonly wide: boolean;
  readonly waiting: boolean;
  readonly bright: number;
}

describeWith({ needs: ['chromium', 'ffmpeg'] }, 'the page of the demonstration in a browser', () => {
  let browser: Browser;
  let child: ChildProcess | undefined;

  beforeAll(async () => {
    browser = await Browser.start(program('chromium')!);
  });
  afterAll(() => browser.close());
  afterEach(async () => {
    if (child === undefined || child.exitCode !== null) return;
    child.kill('SIGINT');
    await once(child, 'exit');
  });

  /** @returns the address that the command printed */
  async function demonstrate(...args: string[]): Promise<string> {
    const started = spawn(process.execPath, [BIN, 'demo', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    child = started;
    let said = '';
    started.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await expect.poll(() => said).toMatch(/live image: http:\/\/127\.0\.0\.1:\d+\//);
    return /http:\S+/.exec(said)?.[0] ?? '';
  }

  async function untilSeen(enough: (seen: Seen) => boolean): Promise<Seen> {
    await expect.poll(async () => enough(await browser.evaluate<Seen>(SEEN))).toBe(true);
    return browser.evaluate<Seen>(SEEN);
  }

  async function keep(name: string): Promise<void> {
    if (SCREENSHOTS !== undefined) await writeFile(join(SCREENSHOTS, `${name}.png`), await browser.screenshot());
  }

  test('shows the live image with what was found, counts beside the truth, figures and messages', async () => {
    const url = await demonstrate();
    for (const { width, scheme } of [
      { width: 1280, scheme: 'light' },
      { width: 400, scheme: 'dark' },
    ] as const) {
      await browser.show({ width, height: 1000, scheme });
      await browser.open(url);
      const seen = await untilSeen(
        ({ frames, topics, level }) => frames >= 10 && topics.length >= 2 && level === 'good',
      );
      expect(seen.flows.map(([line]) => line)).toEqual(expect.arrayContaining(['near', 'far', 'side', 'zebra']));
      for (const [, , ...figures] of seen.flows) for (const figure of figures) expect(figure).toMatch(/^\d+$/);
      expect(seen.regionsShown).toBe(false);
      expect(seen.figures).toMatch(/in sight/);
      expect(seen.health).toBe('camera live, box online');
      expect(seen.topics.some((topic) => topic.endsWith('/camera/street/detections'))).toBe(true);
      expect(seen.figures).toMatch(/latencyp50 \d+ ms/);
      expect(seen.bright).toBeGreaterThan(100); // an image, not a flat colour
      expect(seen).toMatchObject({ waiting: false, wide: false });
      await keep(`page-${width}-${scheme}`);
    }
    expect(browser.complaints).toEqual([]);
    const elsewhere = browser.requests.filter((request) => !request.startsWith(url) && !/^(data|about):/.test(request));
    expect(elsewhere).toEqual([]);
  });

  test.skipIf(sharedData() === undefined)(
    'shows a video of your own with the regions that were asked for',
    async () => {
      const video = join(sharedData()!, 'video', 'vct-input-video.mp4');
      const url = await demonstrate(
        '--model',
        join(PACKAGE_ROOT, 'demo', 'package'),
        '--camera',
        video,
        '--region',
        'junction=0.2,0.3,0.4,0.5',
        '--region',
        'far=0,0,0.2,0.2,0,0.2', // a polygon
      );
      await browser.show({ width: 1280, height: 900 });
      await browser.open(url);
      const seen = await untilSeen(({ frames, regions }) => frames >= 5 && regions.length === 2);
      expect(seen.regions.map(([name]) => name)).toEqual(['junction', 'far']);
      expect(seen.regions.every(([, , , truth]) => truth === '')).toBe(true);
      await keep('page-video');
    },
  );
});
