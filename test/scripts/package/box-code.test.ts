import { execFile } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { boxCode, ENTRY, HOME } from '../../../scripts/package/box-code.ts';
import { importsOf } from '../../support/imports.ts';

const run = promisify(execFile);
const onThisMachine = boxCode(process.arch === 'arm64' ? 'arm64' : 'amd64', join(tmpdir(), 'no-cache'), (file) => file);
/** The factory slots of a box. */
const FACTORY = [
  { name: 'street-grid', from: join(PACKAGE_ROOT, 'demo/detector-package') },
  { name: 'street', from: join(PACKAGE_ROOT, 'demo/package') },
];
const paths = onThisMachine.entries.map(({ path }) => path.slice(HOME.length + 1));

/** Modules that a box reaches, by another way than the package's: the imports of the sources, lazy ones included. */
function reached(): Set<string> {
  const seen = new Set(['cli/box/main.ts', 'daemon/inference/process.ts', 'daemon/probe/process.ts']);
  for (const file of seen)
    for (const { target, ours, typeOnly } of importsOf(file))
      if (ours && !typeOnly && target.endsWith('.ts')) seen.add(target);
  return seen;
}

describe('what a box installs', () => {
  let home: string;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'wayside-home-'));
    for (const { path, from, content } of onThisMachine.entries) {
      const target = join(home, path.slice(HOME.length + 1));
      mkdirSync(dirname(target), { recursive: true });
      if (from !== undefined) cpSync(from, target);
      else if (content !== undefined) await writeFile(target, content);
    }
  });
  afterAll(() => rm(home, { recursive: true }));

  it('of our own code is what its commands load, no more and no less', () => {
    const own = new Set(paths.filter((path) => path.startsWith('dist/')));
    expect(own).toEqual(new Set([...reached()].map((file) => `dist/${file.replace(/\.ts$/, '.js')}`)));
    expect(own).toContain(ENTRY);
  });

  it('holds no package of the workstation, and libraries of one platform', () => {
    const names = onThisMachine.packages.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['onnxruntime-node', 'mqtt', 'zod', `@koromix/koffi-linux-${process.arch}`]),
    );
    const others = ['sharp', 'onnx-proto', 'protobufjs', 'aedes', '@ffmpeg-installer/ffmpeg', 'adm-zip', 'typescript'];
    expect(names.filter((name) => others.includes(name))).toEqual([]);
    const libraries = paths.filter((path) => /\.(?:node|so[.\d]*|dylib|dll)$/.test(path));
    expect(libraries.filter((path) => !new RegExp(`linux[/_-]${process.arch}/`).test(path))).toEqual([]);
    expect(libraries).toHaveLength(3); // ONNX Runtime and its binding, koffi
  });

  it('loads every one of its modules from where it is installed', async () => {
    const started = ['dist/daemon/inference/process.js']; // runs when it is loaded: see below
    const modules = paths.filter((path) => path.startsWith('dist/') && !started.includes(path));
    const loader = modules.map((path) => `await import(${JSON.stringify(join(home, path))});`).join('\n');
    await writeFile(join(home, 'all.mjs'), `${loader}\nprocess.stdout.write('loaded');\n`);
    const { stdout } = await run(process.execPath, [join(home, 'all.mjs')], { cwd: '/' });
    expect(stdout).toBe('loaded');
  });

  it.each(FACTORY)('checks a configuration, with $name as the factory model', async ({ from, name }) => {
    cpSync(from, join(home, 'store/factory', name), { recursive: true });
    const config = {
      site: 'test',
      box: 'box',
      mqtt: { url: 'mqtt://127.0.0.1' },
      model: { store: join(home, 'store'), name },
      cameras: [{ id: 'north', url: 'rtsp://192.0.2.7/', decoder: { command: [process.execPath, '-'] } }],
    };
    await writeFile(join(home, 'wayside.yaml'), JSON.stringify(config));
    const args = [join(home, 'bin/wayside.js'), 'daemon', '--check', '--config', join(home, 'wayside.yaml')];
    const { stdout } = await run(process.execPath, args, { cwd: '/' });
    expect(stdout).toContain('is valid: test/box');
  });

  it.each(FACTORY)('runs $name: golden samples agree', async ({ from, name }) => {
    const program = join(home, 'dist/daemon/inference/process.js');
    // Its results leave on descriptor 3.
    const script = '"$0" "$1" "$2" 1 3>&1 </dev/null';
    const { stdout } = await run('sh', ['-c', script, process.execPath, program, from], { cwd: '/' });
    expect(JSON.parse(stdout.split('\n')[0] ?? '')).toMatchObject({ type: 'ready', model: { name } });
  });
});

describe('the licences of what is bundled', () => {
  it('are told of every package', () => {
    const untold = onThisMachine.packages.filter(
      ({ licence, texts }) => licence === 'see its text' && texts.length === 0,
    );
    expect(untold).toEqual([]);
  });
});
