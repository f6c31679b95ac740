import { appendFile, cp, mkdir, mkdtemp, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { recordGolden, verifyGolden } from '../../inference/golden.ts';
import { openModel, type PackageContents, writePackage } from '../../inference/package.ts';
import { readPackage } from '../../inference/read-package.ts';
import { openSession } from '../../inference/session.ts';
import { COLOUR_PREPROCESSING, colourClassifierBytes, colourImage } from '../support/colour-classifier.ts';

const model = colourClassifierBytes();

const contents = (golden: PackageContents['golden'] = []): PackageContents => ({
  manifest: {
    name: 'colours',
    version: '1',
    input: { name: 'image', shape: ['N', 3, 8, 8] },
    output: { name: 'scores', classes: 3 },
    preprocessing: { ...COLOUR_PREPROCESSING, size: [8, 8] },
    labels: ['red', 'green', 'blue'],
    thresholds: { score: 0.5 },
    minimumRuntime: '1.30.0',
    plan: { seed: 1, clusters: { conv: 16 } },
    measured: { candidate: { top1: 0.9, samples: 10, bytes: model.byteLength, latencyMs: 0.1 } },
  },
  model,
  golden,
  report: '<!doctype html><title>colours</title>',
});

describe('model packages', () => {
  let folder: string;
  let whole: string;
  let dir: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wayside-package-'));
    whole = join(folder, 'whole');
    const session = await openSession(model);
    const golden = await recordGolden(session, COLOUR_PREPROCESSING, [
      colourImage(0),
      colourImage(1, { width: 20, height: 11 }),
    ]);
    await session.close();
    await writePackage(whole, contents(golden));
  });
  afterAll(() => rm(folder, { recursive: true }));
  beforeEach(async () => {
    dir = join(folder, 'copy');
    await rm(dir, { recursive: true, force: true });
    await cp(whole, dir, { recursive: true });
  });

  const editManifest = async (edit: (manifest: Record<string, unknown>) => void): Promise<void> => {
    const path = join(dir, 'manifest.json');
    const manifest = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    edit(manifest);
    await writeFile(path, JSON.stringify(manifest));
  };

  it('come back as they were written, and their golden samples hold', async () => {
    const opened = await readPackage(dir);
    expect(opened.manifest).toMatchObject(contents().manifest);
    expect(opened.manifest.labels).toEqual(['red', 'green', 'blue']);
    expect(opened.golden.map(({ image }) => [image.width, image.height])).toEqual([
      [8, 8],
      [20, 11],
    ]);
    const session = await openSession(opened.modelPath);
    const { manifest, golden } = opened;
    expect(await verifyGolden(session, manifest.preprocessing, golden, manifest.golden.tolerance)).toBe(0);
    await session.close();
  });

  it('are the same bytes when the same is written again', async () => {
    const again = await writePackage(join(folder, 'again'), contents((await readPackage(whole)).golden));
    expect(again.digest).toBe((await readPackage(whole)).digest);
  });

  it('are of format 2 where they name a task, and of format 1 where they need not', async () => {
    const { manifest, ...others } = contents();
    const named = await writePackage(join(folder, 'task'), {
      ...others,
      manifest: { ...manifest, task: 'classification' },
    });
    expect((await readPackage(named.dir)).manifest).toMatchObject({ format: 2, task: 'classification' });
    expect((await readPackage(whole)).manifest.format).toBe(1);
  });

  it('count what loading needs: the model and its data, not the report and the samples', async () => {
    expect((await readPackage(dir)).bytes).toBe(model.byteLength);
    const withData = await writePackage(join(folder, 'data'), {
      ...contents(),
      files: { 'model.onnx.data': new Uint8Array(100) },
    });
    expect(withData.bytes).toBe(model.byteLength + 100);
  });

  it.each<[string, RegExp, () => Promise<void>]>([
    [
      'a byte of the model changed',
      /model\.onnx: expected sha256/,
      async () => {
        const bytes = await readFile(join(dir, 'model.onnx'));
        bytes[bytes.length >> 1]! ^= 1;
        await writeFile(join(dir, 'model.onnx'), bytes);
      },
    ],
    [
      'a file is cut short',
      /golden\/00\.rgb: expected 192 bytes, got 100/,
      () => truncate(join(dir, 'golden', '00.rgb'), 100),
    ],
    ['a file grew', /report\.html: expected \d+ bytes/, () => appendFile(join(dir, 'report.html'), ' ')],
    ['a file is missing', /golden\/01\.f32 is missing/, () => rm(join(dir, 'golden', '01.f32'))],
    ['a file is extra', /extra\.so is not named/, () => writeFile(join(dir, 'extra.so'), '')],
    ['a hidden file is extra', /\.hidden is not named/, () => writeFile(join(dir, '.hidden'), '')],
    [
      'a file is a link to its own copy elsewhere',
      /model\.onnx is neither/,
      async () => {
        await rename(join(dir, 'model.onnx'), join(folder, 'elsewhere.onnx'));
        await symlink(join(folder, 'elsewhere.onnx'), join(dir, 'model.onnx'));
      },
    ],
    [
      'it was made for a newer version',
      /expected package format up to 2, got 3/,
      () =>
        editManifest((m) => {
          m['format'] = 3;
        }),
    ],
    [
      'the manifest has a key nobody knows',
      /[Uu]nrecognized key/,
      () =>
        editManifest((m) => {
          m['execute'] = 'rm';
        }),
    ],
    [
      'it is for a task of a newer version',
      /the task "detection"; known are classification/,
      () =>
        editManifest((m) => {
          m['format'] = 2;
          m['task'] = 'detection';
        }),
    ],
    [
      'format 2 names no task',
      /format 2 names the task/,
      () =>
        editManifest((m) => {
          m['format'] = 2;
        }),
    ],
    [
      'format 1 names one',
      /format 2 names the task/,
      () =>
        editManifest((m) => {
          m['task'] = 'classification';
        }),
    ],
    ['the manifest is no JSON', /is not JSON/, () => truncate(join(dir, 'manifest.json'), 40)],
    [
      'the manifest names a file outside',
      /PACKAGE|files/,
      () =>
        editManifest((m) => {
          Object.assign(m['files'] as object, {
            '../whole/model.onnx': { digest: `sha256:${'0'.repeat(64)}`, bytes: 1 },
          });
        }),
    ],
    [
      'the manifest names an absolute path',
      /files/,
      () =>
        editManifest((m) => {
          Object.assign(m['files'] as object, { '/etc/passwd': { digest: `sha256:${'0'.repeat(64)}`, bytes: 1 } });
        }),
    ],
    [
      'the model is not among the files',
      /names no model\.onnx/,
      async () => {
        await rm(join(dir, 'model.onnx'));
        await editManifest((m) => {
          delete (m['files'] as Record<string, unknown>)['model.onnx'];
        });
      },
    ],
    [
      'a golden image has other sides than its file',
      /00\.rgb: expected 9x8/,
      () =>
        editManifest((m) => {
          (m['golden'] as { samples: { width: number }[] }).samples[0]!.width = 9;
        }),
    ],
    [
      'the preprocessing contradicts itself',
      /preprocessing/,
      () =>
        editManifest((m) => {
          (m['preprocessing'] as Record<string, unknown>)['crop'] = 'center';
        }),
    ],
  ])('are refused when %s', async (_, message, damage) => {
    await damage();
    await expect(readPackage(dir)).rejects.toMatchObject({
      code: 'PACKAGE_INVALID',
      message: expect.stringMatching(message),
    });
  });

  it('are not written over another, nor half, nor with names that lead outside', async () => {
    await expect(writePackage(dir, contents())).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    expect((await readPackage(dir)).golden).toHaveLength(2);
    expect((await writePackage(dir, contents(), { replace: true })).golden).toHaveLength(0);

    const target = join(folder, 'never');
    const outside = { ...contents(), files: { '../escaped': 'x' } };
    await expect(writePackage(target, outside)).rejects.toMatchObject({ code: 'PACKAGE_INVALID' });
    await expect(readFile(join(folder, 'escaped'))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(openModel(target)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });

  it('open by the same door as a bare model', async () => {
    expect((await openModel(dir)).package?.manifest.name).toBe('colours');
    const bare = await openModel(join(dir, 'model.onnx'));
    expect([bare.package, bare.bytes]).toEqual([undefined, model.byteLength]);
    await mkdir(join(folder, 'empty'));
    await expect(openModel(join(folder, 'empty'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });
});
