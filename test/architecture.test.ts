import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../core/layout.ts';
import { unusedExports } from './support/exports.ts';
import { importsOf, loadedBy, sourceFiles } from './support/imports.ts';

const WORKSTATION = ['core', 'onnx', 'inference', 'calibration', 'compression', 'exporter'] as const;

/** What each room may import besides itself: docs/architecture.md. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  onnx: ['core'],
  inference: ['core'],
  contract: ['core'],
  calibration: ['core', 'onnx', 'inference'],
  compression: ['core', 'onnx', 'inference', 'calibration'],
  exporter: ['core', 'onnx', 'inference', 'calibration', 'compression'],
  deploy: ['core', 'inference', 'contract'],
  daemon: ['core', 'inference', 'contract', 'deploy'],
  demo: [...WORKSTATION, 'contract', 'deploy', 'daemon'],
  cli: [...WORKSTATION, 'contract', 'deploy', 'daemon', 'demo'],
  bench: [...WORKSTATION, 'contract', 'deploy', 'daemon', 'demo', 'cli'],
  scripts: [...WORKSTATION, 'contract', 'deploy', 'daemon', 'demo', 'cli', 'bench'],
};

const MOST_LINES = 350;
/** Beyond so many loose files, a folder holds more than one subject. */
const MOST_FILES = 20;

/** Exports that no file of ours imports, and why they are there. */
const READ_FROM_ELSEWHERE: Readonly<Record<string, string>> = {
  'cli/main.ts#main': 'bin/wayside.js calls it in what was compiled',
  'cli/box/main.ts#main': 'bin/wayside.js calls it on a box',
};

const rooms = Object.keys(MAY_IMPORT).filter((room) => existsSync(join(PACKAGE_ROOT, room)));
const files = sourceFiles(rooms);
const roomOf = (file: string): string => file.split('/')[0] ?? file;

describe('the rooms', () => {
  it('import downward only', () => {
    const wrong = files.flatMap((file) => {
      const allowed = [roomOf(file), ...(MAY_IMPORT[roomOf(file)] ?? [])];
      return importsOf(file)
        .filter(({ target, ours }) => ours && !allowed.includes(roomOf(target)))
        .map(({ target }) => `${file} imports ${target}`);
    });
    expect(wrong).toEqual([]);
  });

  it('import files that exist', () => {
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .filter(({ target, ours }) => ours && !existsSync(join(PACKAGE_ROOT, target)))
        .map(({ target }) => `${file} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it('load ONNX Runtime through one door', () => {
    const importers = files.filter((file) => importsOf(file).some(({ target }) => target === 'onnxruntime-node'));
    expect(importers).toEqual(['inference/runtime.ts']);
  });

  it('have no import cycles, counting imports of types', () => {
    const inProgress = new Set<string>();
    const finished = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (finished.has(file)) return;
      if (inProgress.has(file)) {
        cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
        return;
      }
      inProgress.add(file);
      for (const { target, ours } of importsOf(file)) {
        if (ours && target.endsWith('.ts')) visit(target, [...path, file]);
      }
      finished.add(file);
    };
    for (const file of files) visit(file, []);
    expect(cycles).toEqual([]);
  });

  it(`hold no file of more than ${MOST_LINES} lines`, () => {
    const long = [...files, ...sourceFiles(['test'])]
      .map((file) => ({ file, lines: readFileSync(join(PACKAGE_ROOT, file), 'utf8').split('\n').length }))
      .filter(({ lines }) => lines > MOST_LINES);
    expect(long).toEqual([]);
  });
});

describe('exports', () => {
  const readers = Object.keys(READ_FROM_ELSEWHERE);
  const unused = unusedExports(files, files, sourceFiles(['test']));

  it('are imported by another file, or are parts of theirs that tests reach into', () => {
    const wrong = unused
      .filter(({ name }) => !readers.includes(name))
      .map(({ name, usedInside }) => `${name}: ${usedInside ? 'needs no `export`' : 'nothing uses it'}`);
    expect(wrong).toEqual([]);
  });

  it('are excepted only where nothing here imports them', () => {
    expect(readers.filter((reader) => !unused.some(({ name }) => name === reader))).toEqual([]);
  });
});

describe('the folders', () => {
  it(`hold at most ${MOST_FILES} loose files`, () => {
    const count = new Map<string, number>();
    for (const file of files) count.set(dirname(file), (count.get(dirname(file)) ?? 0) + 1);
    expect([...count].filter(([, loose]) => loose > MOST_FILES)).toEqual([]);
  });
});

describe('the supervisor', () => {
  it('loads neither ONNX Runtime nor an image library: they run in child processes', () => {
    const loaded = [...loadedBy('daemon/main.ts')];
    expect(loaded).toContain('core/errors.ts');
    expect(
      loaded.filter((target) => ['inference/runtime.ts', 'onnxruntime-node', 'sharp', 'onnx-proto'].includes(target)),
    ).toEqual([]);
  });
});

describe('what runs on a box', () => {
  it.each(['daemon/main.ts', 'daemon/inference/process.ts'])(
    '%s loads nothing that opens, measures or writes models',
    (entry) => {
      const loaded = [...loadedBy(entry)];
      expect(loaded).toContain('inference/read-package.ts');
      const ofWorkstation = [
        'inference/package.ts', // writes packages, opens bare models
        'inference/external-data.ts', // walks the protobuf of a model
        'inference/latency.ts',
        'onnx-proto',
        'protobufjs',
      ];
      const houses = /^(?:onnx|calibration|compression|exporter|demo|cli|bench)\//;
      expect(loaded.filter((target) => ofWorkstation.includes(target) || houses.test(target))).toEqual([]);
    },
  );
});

describe('remote update', () => {
  const housesOf = (entry: string): readonly string[] =>
    [...loadedBy(entry)].filter((target) => target.endsWith('.ts'));

  it('on a box loads nothing of the office, no runtime, and nothing that edits models', () => {
    const loaded = housesOf('deploy/agent/main.ts');
    expect(loaded).toContain('core/file-system.ts');
    const elsewhere =
      /^(?:onnx|calibration|compression|exporter|demo|cli|bench|daemon|deploy\/(?:repository|rollout|bundle\/write))\b/;
    expect(loaded.filter((file) => elsewhere.test(file))).toEqual([]);
    const libraries = ['onnxruntime-node', 'sharp', 'onnx-proto'];
    expect([...loadedBy('deploy/agent/main.ts')].filter((name) => libraries.includes(name))).toEqual([]);
  });

  it('in the office loads nothing of the box', () => {
    const loaded = ['publish', 'rotate', 'stage-targets', 'serve', 'status'].flatMap((file) =>
      housesOf(`deploy/repository/${file}.ts`),
    );
    expect(loaded).toContain('deploy/target.ts');
    expect(
      loaded.filter(
        (file) => !/^(?:core|deploy\/repository|deploy\/payload|deploy\/tuf-models|deploy\/target)\b/.test(file),
      ),
    ).toEqual([]);
    const pushing = housesOf('deploy/rollout/drive.ts');
    expect(pushing).toContain('deploy/rollout/planner.ts');
    expect(pushing.filter((file) => !/^(?:core|contract|deploy\/rollout)\b/.test(file))).toEqual([]);
  });
});

describe('the command line', () => {
  it('loads nothing but the option parser before it knows which command runs', () => {
    const packages = [...loadedBy('cli/main.ts')].filter(
      (target) => !target.endsWith('.ts') && !target.startsWith('node:'),
    );
    expect(packages).toEqual(['commander']);
  });
});
