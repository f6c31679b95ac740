import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readPackage } from '../../inference/read-package.ts';
import { writeModel } from '../../onnx/file/write.ts';
import { temporaryFolder } from '../support/folder.ts';
import { colourClassifier, writeColours } from '../support/tiny-classifier.ts';
import { runWayside } from '../support/wayside.ts';

interface CompressDocument {
  readonly package: string;
  readonly baseline: {
    readonly top1: number;
    readonly samples: number;
    readonly bytes: number;
    readonly latencyMs: number;
  };
  readonly candidate: CompressDocument['baseline'];
  readonly uniqueWeights: { readonly before: number; readonly after: number };
  readonly overTheAir: number;
  readonly fused: { readonly quantized: number; readonly float: readonly unknown[] };
}

describe('wayside compress', () => {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder(), name);
  const compress = (out: string, ...more: string[]) =>
    runWayside([
      'compress',
      at('colours.onnx'),
      '--data',
      `cifar10:${at('data')}`,
      '--out',
      at(out),
      '--normalize',
      'unit',
      ...more,
    ]);

  beforeAll(async () => {
    await writeModel(colourClassifier(), at('colours.onnx'));
    await writeColours(at('data'), [0, 1, 2, 0, 1, 2, 1, 0]);
  });

  it('prints the fixed shape, and what it says of the package is what evaluate finds', async () => {
    const run = await compress('package', '--json');
    expect(run).toMatchObject({ exit: 0, stderr: '' });
    const document = JSON.parse(run.stdout) as CompressDocument;
    expect(document).toEqual({
      package: at('package'),
      baseline: { top1: 6 / 8, samples: 8, bytes: expect.any(Number), latencyMs: expect.any(Number) },
      candidate: { top1: 6 / 8, samples: 8, bytes: expect.any(Number), latencyMs: expect.any(Number) },
      // No image is answered otherwise: of eight that says next to nothing.
      change: { points: 0, low: expect.closeTo(-32.4, 0), high: expect.closeTo(32.4, 0) },
      uniqueWeights: { before: 4, after: expect.any(Number) },
      bitsPerWeight: expect.any(Number),
      fused: { quantized: 2, float: [] },
      stages: [
        {
          name: 'float',
          top1: 6 / 8,
          samples: 8,
          bytes: document.baseline.bytes,
          flops: 18_450,
          params: 21,
          latencyMs: expect.any(Number),
          seconds: 0,
        },
        expect.objectContaining({ name: 'quantize', top1: 6 / 8, bytes: document.candidate.bytes, flops: 18_450 }),
      ],
      overTheAir: expect.any(Number),
    });
    const evaluated = await runWayside(['evaluate', at('package'), '--data', `cifar10:${at('data')}`, '--json']);
    const { top1, samples, bytes } = document.candidate;
    expect(JSON.parse(evaluated.stdout)).toMatchObject({ top1, samples, bytes });
    const bundled = await runWayside(['bundle', at('package'), '--out', at('package.bundle'), '--json']);
    expect(JSON.parse(bundled.stdout)).toMatchObject({ runBytes: bytes });
    expect(document.overTheAir).toBeLessThan(bytes);
    expect(await readFile(join(at('package'), 'report.html'), 'utf8')).toContain('Size over the air');
    const unpacked = await runWayside(['unbundle', at('package.bundle'), '--out', at('unpacked'), '--json']);
    expect(JSON.parse(unpacked.stdout)).toMatchObject({ digest: (await readPackage(at('package'))).digest });
  });

  it('repeats a run from the plan in its package, byte for byte', async () => {
    const first = await compress('clustered', '--clusters', '2', '--seed', '7');
    expect(first.exit).toBe(0);
    const again = await compress('repeated', '--plan', join(at('clustered'), 'manifest.json'));
    expect(again).toMatchObject({ exit: 0, stderr: '' });
    const model = (name: string) => readFile(join(at(name), 'model.onnx'));
    expect((await model('repeated')).equals(await model('clustered'))).toBe(true);
  });

  it('packs the normalisation and the class names that the model notes, unless told otherwise', async () => {
    const metadata = new Map([
      ['wayside.normalize', '0.25,0.5,0.5/0.5,0.5,0.5'],
      ['wayside.classes', '["red","green","blue"]'],
    ]);
    await writeModel({ ...colourClassifier(), metadata }, at('noted.onnx'));
    const args = ['compress', at('noted.onnx'), '--data', `cifar10:${at('data')}`, '--out'];
    expect(await runWayside([...args, at('noted')])).toMatchObject({ exit: 0, stderr: '' });
    const manifest = async (name: string) => (await readPackage(at(name))).manifest;
    expect(await manifest('noted')).toMatchObject({
      labels: ['red', 'green', 'blue'],
      preprocessing: { mean: [0.25, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
    });
    const other = await runWayside([...args, at('told'), '--normalize', 'unit']);
    expect(other.exit).toBe(0);
    expect(other.stderr).toMatch(/^note: the model says .*0\.25,0\.5,0\.5.*it gets unit, as asked$/m);
    expect(await manifest('told')).toMatchObject({ preprocessing: { mean: [0, 0, 0] } });
  });

  it('refuses at once to replace what is there, unless told to', async () => {
    expect((await compress('taken')).exit).toBe(0);
    const before = await readFile(join(at('taken'), 'manifest.json'), 'utf8');
    const refused = await compress('taken', '--clusters', '2');
    expect(refused).toMatchObject({ exit: 64, stdout: '' });
    expect(refused.stderr).toMatch(/^error OUTPUT_EXISTS: .*taken/);
    expect(await readFile(join(at('taken'), 'manifest.json'), 'utf8')).toBe(before);
    expect((await compress('taken', '--clusters', '2', '--force')).exit).toBe(0);
    expect(await readFile(join(at('taken'), 'manifest.json'), 'utf8')).not.toBe(before);
  });

  it('leaves nothing behind when the data set is not there', async () => {
    const before = await readdir(folder());
    const run = await runWayside(['compress', at('colours.onnx'), '--data', 'cifar10:/nowhere', '--out', at('never')]);
    expect(run.exit).not.toBe(0);
    expect(run.stderr).toMatch(/^error [A-Z_]+: /);
    expect(await readdir(folder())).toEqual(before);
  });

  it('says why a file holds no plan', async () => {
    const run = await compress('unplanned', '--plan', at('colours.onnx'));
    expect(run).toMatchObject({ exit: 64, stdout: '' });
    expect(run.stderr).toContain('holds no plan');
  });
});
