import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TufClient } from '../../deploy/agent/tuf/client.ts';
import { temporaryFolder } from '../support/folder.ts';
import { type RunningWayside, runWayside, startWayside } from '../support/wayside.ts';

const folder = temporaryFolder();
const path = (name: string): string => join(folder(), name);
let serving: RunningWayside | undefined;

const repo = (...args: string[]) => runWayside(['repo', ...args, '--json'], { cwd: folder() });

async function done(...args: string[]): Promise<Record<string, unknown>> {
  const { exit, stdout, stderr } = await repo(...args);
  expect(stderr, args.join(' ')).toBe('');
  expect(exit).toBe(0);
  return JSON.parse(stdout) as Record<string, unknown>;
}

beforeAll(() => writeFile(path('pass'), 'a long passphrase\n'));
afterAll(async () => {
  serving?.child.kill();
  await serving?.done;
});

/** As an operator does it, with the commands of the guide, key files of full strength and the real programs. */
describe('wayside repo', () => {
  it('makes keys that only their owner can read, and never replaces one', async () => {
    for (const name of ['first', 'second']) await done('key', name, '--passphrase-file', 'pass');
    await done('key', 'online', '--type', 'p256', '--passphrase-file', 'pass');
    expect((await stat(path('first'))).mode & 0o777).toBe(0o600);
    const again = await repo('key', 'first', '--passphrase-file', 'pass');
    expect([again.exit, again.stdout]).toEqual([64, expect.stringContaining('OUTPUT_EXISTS') as string]);
  });

  it('asks for a passphrase where none is given, and takes none from nowhere', async () => {
    const { exit, stdout } = await repo('key', 'zoe');
    expect([exit, stdout]).toEqual([64, expect.stringContaining('passphrase') as string]);
  });

  it('begins, stages, collects two signatures, publishes, and serves to a box', async () => {
    const owners = ['first.pub', 'second.pub'];
    const keys = (option: string): string[] => owners.flatMap((file) => [option, file]);
    const thresholds = ['--root-threshold', '2', '--targets-threshold', '2'];
    await done('init', 'office', ...keys('--root'), ...keys('--targets'), ...thresholds, '--online', 'online.pub');
    await writeFile(path('model.bundle'), 'a model');
    await done(
      'add',
      'office',
      'model.bundle',
      '--model',
      'vehicles@2',
      '--min-version',
      '1',
      '--formats',
      'package=2',
    );

    const one = await done('sign', 'office', '--key', 'first', '--passphrase-file', 'pass');
    expect(one['signed']).toMatchObject([{ roles: ['root', 'targets'] }]);
    const early = await repo('publish', 'office', '--key', 'online', '--passphrase-file', 'pass');
    expect([early.exit, early.stdout]).toEqual([65, expect.stringContaining('who can sign: second') as string]);

    await done('sign', 'office', '--key', 'second', '--passphrase-file', 'pass');
    expect(await done('publish', 'office', '--key', 'online', '--passphrase-file', 'pass')).toMatchObject({
      versions: { root: 1, targets: 1, snapshot: 1, timestamp: 1 },
    });
    expect(await done('refresh', 'office', '--key', 'online', '--passphrase-file', 'pass')).toEqual({
      versions: { timestamp: 2 },
    });
    expect((await done('status', 'office'))['staged']).toEqual([]);

    const command = ['repo', 'serve', 'office', '--port', '0', '--write-cert', 'ca.pem'];
    serving = startWayside(command, { cwd: folder() });
    const [chunk] = (await new Promise((resolve) => serving?.child.stdout.once('data', (data) => resolve([data])))) as [
      Buffer,
    ];
    const url = /https:\/\/127\.0\.0\.1:\d+\//.exec(chunk.toString())?.[0];
    const client = new TufClient({
      folder: path('box'),
      factoryRoot: path('office/published/metadata/1.root.json'),
      metadataUrl: `${url}metadata/`,
      limits: { ca: await readFile(path('ca.pem'), 'utf8') },
    });
    expect(await client.download('vehicles/2.bundle', path('fetched'))).toMatchObject({
      custom: { name: 'vehicles', version: '2', minVersion: '1', formats: { package: 2 } },
    });
    await client.close();
    expect(await readFile(path('fetched'), 'utf8')).toBe('a model');
  });

  it('tells a wrong passphrase, a key that is none, and a folder that is none', async () => {
    await writeFile(path('wrong'), 'another passphrase\n');
    const cases = [
      ['sign', 'office', '--key', 'first', '--passphrase-file', 'wrong'],
      ['sign', 'office', '--key', 'first.pub', '--passphrase-file', 'pass'],
      ['status', 'nowhere'],
    ];
    for (const args of cases) expect((await repo(...args)).exit, args.join(' ')).toBe(65);
    expect((await repo('sign', 'office')).exit).toBe(64);
    expect((await repo('add', 'office', 'model.bundle', '--model', 'no-version')).exit).toBe(64);
    await chmod(path('pass'), 0o600);
  });
});
