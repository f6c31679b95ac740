/**
 * `npm run images`: makes the images of the README and the text of what `npm start` prints, from the real thing: the page of the
 * demonstration and the report of a compression, in headless Chromium. The report needs the test data beside the checkout.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { cifar10Folder } from '../bench/harness/data.ts';
import { replaceBlock } from '../bench/harness/pages/blocks.ts';
import { cacheFolder, findProgram, sharedDataFolder, type Workplace } from '../bench/harness/workplace.ts';
import { writeFileAtomic } from '../core/files.ts';
import { PACKAGE_ROOT } from '../core/layout.ts';
import { Browser } from './browser.ts';

const BIN = join(PACKAGE_ROOT, 'bin', 'wayside.js');
const FOLDER = join(PACKAGE_ROOT, 'docs', 'images');
/** Frames that the page has shown before it is photographed: rates and accuracy have settled. */
const SHOWN_FRAMES = 150;

async function keep(browser: Browser, name: string): Promise<void> {
  await sharp(await browser.screenshot())
    .png({ palette: true, colours: 160, effort: 10 })
    .toFile(join(FOLDER, name));
}

async function pageOfDemonstration(browser: Browser): Promise<void> {
  const demo = spawn(process.execPath, [BIN, 'demo'], { stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    let said = '';
    for await (const part of demo.stderr.setEncoding('utf8')) {
      said += String(part);
      if (said.includes('\n')) break;
    }
    const url = /http:\S+/.exec(said)?.[0];
    if (url === undefined) throw new Error(`the demonstration named no page: ${said}`);
    await browser.show({ width: 1200, height: 720 });
    await browser.open(url);
    await browser.evaluate(`new Promise((resolve) => {
      const image = document.getElementById('image');
      new MutationObserver(() => Number(image.dataset.frames) >= ${SHOWN_FRAMES} && resolve())
        .observe(image, { attributeFilter: ['data-frames'] });
    })`);
    await keep(browser, 'page.png');
  } finally {
    demo.kill('SIGINT');
    if (demo.exitCode === null) await once(demo, 'exit');
  }
}

/** What a run prints where there is no terminal: its last line on the way, and the summary. */
async function textOfDemonstration(): Promise<string> {
  const demo = spawn(process.execPath, [BIN, 'demo', '--frames', '300', '--no-page'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = (await text(demo.stdout)).trimEnd().split('\n');
  const summary = lines.findIndex((line) => line.includes('frames analysed in'));
  const live = lines.slice(0, summary).findLast((line) => line.startsWith('camera live')) ?? '';
  return ['```', live, '', ...lines.slice(summary), '```'].join('\n');
}

async function pageOfReport(browser: Browser, data: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'wayside-images-'));
  const place: Workplace = {
    data,
    cache: await cacheFolder(),
    scratch: folder,
    minutes: 1,
    signal: new AbortController().signal,
    say: (words) => void process.stderr.write(`${words}\n`),
  };
  try {
    // The report names its data as they were given: no path of this machine belongs into a published image.
    await symlink(await cifar10Folder(place), join(folder, 'cifar-10-batches-bin'));
    const model = join(data, 'models', 'resnet-cifar10', 'resnet20-cifar10.onnx');
    const options = [
      '--data',
      'cifar10:cifar-10-batches-bin',
      '--prune-flops',
      '0.3',
      '--clusters',
      '16',
      '--out',
      'resnet20',
    ];
    const compress = spawn(process.execPath, [BIN, 'compress', model, ...options], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const [code] = (await once(compress, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`compress ended with ${code}`);
    await browser.show({ width: 1200, height: 900 });
    await browser.open(pathToFileURL(join(folder, 'resnet20', 'report.html')).href);
    await keep(browser, 'report.png');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const chromium = await findProgram('chromium');
if (chromium === undefined) throw new Error('chromium is not installed');
await mkdir(FOLDER, { recursive: true });
const readme = join(PACKAGE_ROOT, 'README.md');
await writeFileAtomic(readme, replaceBlock(await readFile(readme, 'utf8'), 'terminal', await textOfDemonstration()));
const browser = await Browser.start(chromium);
try {
  await pageOfDemonstration(browser);
  const data = sharedDataFolder();
  if (data === undefined) process.stderr.write('docs/images/report.png stays as it is: the test data is not here\n');
  else await pageOfReport(browser, data);
} finally {
  await browser.close();
}
