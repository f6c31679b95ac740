import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compress } from '../../../exporter/commands/compress.ts';
import { renderReport } from '../../../exporter/report/page.ts';
import { writeModel } from '../../../onnx/file/write.ts';
import { Browser, type Screen } from '../../../scripts/browser.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { describeWith, program } from '../../support/requirements.ts';
import { writeColours } from '../../support/tiny-classifier.ts';
import { wideClassifier } from '../../support/wide-classifier.ts';
import { reportInput } from './given.ts';
import { LAYOUT, type Layout } from './layout.ts';

const SCREENS: readonly Required<Pick<Screen, 'width' | 'scheme'>>[] = [
  { width: 1280, scheme: 'light' },
  { width: 1280, scheme: 'dark' },
  { width: 360, scheme: 'light' },
  { width: 360, scheme: 'dark' },
];
const HEIGHT = 900;

describeWith({ needs: ['chromium'] }, 'the report in a browser', () => {
  const folder = temporaryFolder();
  let browser: Browser;
  const pages = new Map<string, string>();

  beforeAll(async () => {
    browser = await Browser.start(program('chromium')!);
    const place = join(folder(), 'run');
    await mkdir(place);
    await writeModel(wideClassifier(), join(place, 'wide.onnx'));
    const colours = Array.from({ length: 300 }, (_, i) => (i % 10 === 9 ? (i + 1) % 3 : i % 3));
    const data = `cifar10:${await writeColours(join(place, 'colours'), colours)}`;
    const out = join(place, 'package');
    const made = { model: join(place, 'wide.onnx'), data, out, calibration: 64, threads: 1 };
    await compress({ ...made, pruneFlops: 0.5, clusters: 8 });
    pages.set('compressed', join(out, 'report.html'));
    for (const layers of [5, 150]) {
      const path = join(place, `${layers}.html`);
      await writeFile(path, renderReport(reportInput({ layers, classes: layers > 100 ? 1000 : 10 })));
      pages.set(`${layers} layers`, path);
    }
  });

  afterAll(async () => {
    await browser.close();
  });

  const urlOf = (page: string): string => pathToFileURL(pages.get(page)!).href;

  test.each(['compressed', '5 layers', '150 layers'])(
    '%s: is laid out on every screen, in the light and in the dark',
    async (page) => {
      for (const { width, scheme } of SCREENS) {
        await browser.show({ width, height: HEIGHT, scheme });
        await browser.open(urlOf(page));
        const layout = await browser.evaluate<Layout>(LAYOUT);
        const where = `${page}, ${width} px, ${scheme}`;
        expect(layout.width, where).toBe(width);
        expect(layout.beyond, where).toEqual([]);
        expect(layout.empty, where).toEqual([]);
        expect(layout.faint, where).toEqual([]);
        expect(layout.texts, where).toBeGreaterThan(100);

        const { channels, entropy } = await sharp(await browser.screenshot()).stats();
        const brightness = channels.slice(0, 3).reduce((sum, { mean }) => sum + mean / 3, 0);
        if (scheme === 'dark') expect(brightness, where).toBeLessThan(70);
        else expect(brightness, where).toBeGreaterThan(200);
        expect(entropy, where).toBeGreaterThan(0.3);
      }
    },
  );

  test('asks nobody for anything, and has nothing to complain about', async () => {
    browser.requests.length = 0;
    browser.complaints.length = 0;
    for (const page of pages.keys()) await browser.open(urlOf(page));
    expect(browser.requests).toEqual([...pages.keys()].map(urlOf));
    expect(browser.complaints).toEqual([]);
  });

  test('shows what the run did: images with marks in them, and the figures of its table', async () => {
    await browser.show({ width: 1280, height: HEIGHT });
    await browser.open(urlOf('compressed'));
    const marks = (selector: string): Promise<number> =>
      browser.evaluate(`[...document.querySelectorAll(${JSON.stringify(selector)})].filter((mark) => {
        const { width, height } = mark.getBoundingClientRect();
        return width > 1 || height > 1;
      }).length`);
    expect(await marks('#stages .bars li i')).toBeGreaterThanOrEqual(5 * 4);
    // float, reconstruct, quantize: prune is left out, since reconstruct repairs what it cost
    expect(await marks('#stages circle')).toBe(3);
    expect(await marks('#sensitivity circle')).toBe(3 * (await marks('#kept rect.a')));
    expect(await marks('#histograms .weights')).toBe(3);
    expect(await marks('#histograms .codes')).toBe(3);
    expect(await marks('#error rect.a')).toBe(3);
    const cells = await browser.evaluate<string[]>(
      `[...document.querySelectorAll('#layers tbody tr')].map((row) => row.cells[4].innerText)`,
    );
    expect(cells).toHaveLength(3);
    for (const codes of cells) expect(Number(codes)).toBeLessThanOrEqual(8);
  });

  test('has a name for every table, image, link and region, for who hears it', async () => {
    await browser.open(urlOf('compressed'));
    const nodes = await browser.accessible([
      'image',
      'table',
      'link',
      'region',
      'navigation',
      'columnheader',
      'rowheader',
    ]);
    expect(new Set(nodes.map(({ role }) => role)).size).toBe(7);
    expect(nodes.filter(({ name }) => name.trim() === '')).toEqual([]);
  });

  test('prints dark on white, with everything unfolded', async () => {
    await browser.show({ width: 800, height: HEIGHT, scheme: 'dark', media: 'print' });
    await browser.open(urlOf('150 layers'));
    const { background, nav, rows } = await browser.evaluate<{ background: string; nav: number; rows: number }>(`({
      background: getComputedStyle(document.body).backgroundColor,
      nav: document.querySelector('nav').getBoundingClientRect().height,
      rows: document.querySelector('#layers table').getBoundingClientRect().height,
    })`);
    expect(background).toBe('rgb(255, 255, 255)');
    expect(nav).toBe(0);
    expect(rows).toBeGreaterThan(150 * 15);
  });

  test('is one file of less than half a megabyte', async () => {
    for (const path of pages.values()) expect((await readFile(path)).byteLength).toBeLessThan(500_000);
  });
});
