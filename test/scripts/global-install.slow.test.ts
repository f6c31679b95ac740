import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, it, vi } from 'vitest';
import { PACKAGE_ROOT, VERSION } from '../../core/layout.ts';
import { temporaryFolder } from '../support/folder.ts';
import { registryPassage } from '../support/registry-passage.ts';
import { describeWith } from '../support/requirements.ts';

const run = promisify(execFile);
vi.setConfig({ testTimeout: 600_000, hookTimeout: 300_000 });
const needs = [
  {
    name: 'to be asked',
    met: process.env['WAYSIDE_PACKAGE'] === '1',
    hint: 'npm run test:package, minutes, with the npm registry',
  },
  'ffmpeg',
];
/** Of npm, and of the Node that it runs on. */
const VERSIONS = [
  ['11', '24'],
  ['10', '22'],
  ['9', '20'],
] as const;

/** onnx-proto asks for protobufjs 6, which an override of the checkout replaces. */
const OLDER = 'node_modules/onnx-proto/node_modules/protobufjs/package.json';

interface Named {
  readonly name?: string;
  readonly version?: string;
}

describeWith({ needs }, 'the packed tarball, installed globally into an empty prefix', () => {
  const folder = temporaryFolder();
  const archive = (): string => join(folder(), `wayside-${VERSION}.tgz`);
  /** Without what npm tells the scripts of this checkout, and without what keeps onnxruntime-node's script quiet. */
  const bare = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_|^ONNXRUNTIME_NODE_INSTALL/.test(name)),
  );
  const manifest = (): string => readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8');
  const fetched = async (name: string, version: string): Promise<string> => {
    const prefix = join(folder(), `${name}-${version}`);
    mkdirSync(prefix, { recursive: true });
    const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefix', prefix];
    await run('npm', ['install', ...options, `${name}@${version}`], { env: bare, cwd: folder() });
    return join(prefix, 'node_modules', name);
  };

  beforeAll(async () => {
    const before = manifest();
    await run('npm', ['pack', '--pack-destination', folder()], { cwd: PACKAGE_ROOT, env: bare, maxBuffer: 2 ** 26 });
    expect(manifest()).toBe(before);
  });

  it.each(VERSIONS)(
    'npm %s on Node %s asks the registry and nobody else; what it installed detects',
    async (npm, major) => {
      const node = join(await fetched(`node-${process.platform}-${process.arch}`, major), 'bin/node');
      expect(execFileSync(node, ['--version'], { encoding: 'utf8' })).toMatch(new RegExp(`^v${major}\\.`));
      const cli = join(await fetched('npm', npm), 'bin/npm-cli.js');
      const { hostname } = new URL(
        (await run('npm', ['config', 'get', 'registry'], { env: bare, cwd: folder() })).stdout.trim(),
      );
      const prefix = join(folder(), `prefix-${npm}`);
      // As `node` of everything that is started.
      const environment = { ...bare, PATH: `${dirname(node)}:${process.env['PATH'] ?? ''}` };
      {
        await using passage = await registryPassage(hostname);
        await run(
          node,
          [
            cli,
            'install',
            '--global',
            '--maxsockets',
            '5',
            '--prefix',
            prefix,
            '--cache',
            join(folder(), 'cache'),
            archive(),
          ],
          {
            cwd: folder(),
            env: { ...environment, ...passage.environment },
            maxBuffer: 2 ** 26,
          },
        );
        expect([...passage.asked].filter((host) => host !== hostname)).toEqual([]);
      }
      const home = realpathSync(join(prefix, 'lib/node_modules/wayside'));
      expect(existsSync(join(home, 'node_modules/typescript'))).toBe(false);
      expect(untested(home)).toEqual([]);

      const wayside = (...args: string[]) =>
        run(join(prefix, 'bin/wayside'), args, { cwd: folder(), env: environment, maxBuffer: 2 ** 26 });
      expect((await wayside('--version')).stdout).toBe(`${VERSION}\n`);
      const { stdout } = await wayside('demo', '--frames', '5', '--no-page', '--json');
      expect(JSON.parse(stdout)).toMatchObject({ frames: expect.any(Number) });
      // What reads and writes ONNX, on the protobufjs that onnx-proto has found there.
      const model = join(home, 'demo/package/model.onnx');
      expect((await wayside('inspect', model, '--json')).stdout).toBe(
        (await run(process.execPath, [join(PACKAGE_ROOT, 'bin/wayside.js'), 'inspect', model, '--json'])).stdout,
      );
      rmSync(prefix, { recursive: true, force: true });
    },
  );

  /** Packages in versions that the lock file has not, but for the older protobufjs. */
  function untested(home: string): string[] {
    const { packages } = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, Named>;
    };
    const { dependencies } = JSON.parse(readFileSync(join(home, OLDER), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const olderProtobuf = new Set(['protobufjs', ...Object.keys(dependencies)]);
    const locked = new Set(
      Object.entries(packages).map(
        ([path, { version }]) => `${path.split('node_modules/').at(-1) ?? ''}@${version ?? ''}`,
      ),
    );
    return readdirSync(home, { recursive: true, encoding: 'utf8' })
      .filter((file) => /(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/@]+\/package\.json$/.test(file))
      .map((file) => ({ file, ...(JSON.parse(readFileSync(join(home, file), 'utf8')) as Named) }))
      .filter(({ file, name = '' }) => !olderProtobuf.has(name) && !file.startsWith(dirname(OLDER))) // it has others in it
      .map(({ name, version }) => `${name ?? ''}@${version ?? ''}`)
      .filter((each) => !locked.has(each));
  }
});
