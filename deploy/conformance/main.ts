import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { asWaysideError, formatError, WaysideError } from '../../core/errors.ts';
import { diskFiles, replaceFile } from '../../core/file-system.ts';
import { TufClient } from '../agent/tuf/client.ts';

/**
 * The client of the boxes behind the command line of the public TUF conformance suite: `init`, `refresh`, `download`. It ends
 * with 0 when all of it was done, else with 1.
 */

const OPTIONS = {
  'metadata-dir': { type: 'string' },
  'metadata-url': { type: 'string' },
  'target-name': { type: 'string', multiple: true },
  'target-base-url': { type: 'string' },
  'target-dir': { type: 'string' },
} as const;

const needed = (value: string | undefined, name: string): string => {
  if (value !== undefined) return value;
  throw new WaysideError('USAGE', { message: `--${name} is missing` });
};

/** In a folder of its own: the client reads it and writes `root.json` beside it. */
const factoryRootIn = (folder: string): string => join(folder, 'factory', 'root.json');

async function initialise(folder: string, rootFile: string): Promise<void> {
  const root = await readFile(rootFile);
  await mkdir(join(folder, 'factory'), { recursive: true });
  await replaceFile(diskFiles, factoryRootIn(folder), root);
  if ((await diskFiles.size(join(folder, 'root.json'))) === undefined) {
    await replaceFile(diskFiles, join(folder, 'root.json'), root);
  }
}

async function run(): Promise<void> {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  const [command, argument] = positionals;
  const folder = needed(values['metadata-dir'], 'metadata-dir');
  if (command === 'init') return initialise(folder, needed(argument, 'trusted root'));
  if (command !== 'refresh' && command !== 'download') {
    throw new WaysideError('USAGE', { message: `no command "${command}": init, refresh or download` });
  }
  const targetUrl = values['target-base-url'];
  const client = new TufClient({
    folder,
    factoryRoot: factoryRootIn(folder),
    metadataUrl: needed(values['metadata-url'], 'metadata-url'),
    ...(targetUrl !== undefined && { targetUrl }),
  });
  try {
    await client.refresh();
    if (command === 'refresh') return;
    const targetFolder = needed(values['target-dir'], 'target-dir');
    await mkdir(targetFolder, { recursive: true });
    for (const name of values['target-name'] ?? []) {
      await client.download(name, join(targetFolder, encodeURIComponent(name)));
    }
  } finally {
    await client.close();
  }
}

try {
  await run();
} catch (thrown) {
  process.stderr.write(`${formatError(asWaysideError(thrown))}\n`);
  process.exitCode = 1;
}
