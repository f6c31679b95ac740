import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../../core/random.ts';
import { unpackBundle } from '../../../deploy/bundle/read-bundle.ts';
import { bundlePackage } from '../../../deploy/bundle/write-bundle.ts';
import { type CompressOptions, compress } from '../../../exporter/commands/compress.ts';
import { writeModel } from '../../../onnx/file/write.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { NetworkBuilder } from '../networks.ts';

const CLASSES = 4;
/** Of the layers below. */
const WEIGHTS = 3 * 24 * 9 + 24 * 48 * 9 + 48 * 64 * 9 + 64 * CLASSES;

function network() {
  const b = new NetworkBuilder('noise');
  const image = b.input('image', 'float32', ['N', 3, 32, 32]);
  const first = b.relu(b.convolution(image, 3, 24, { stride: 2 }));
  const second = b.relu(b.convolution(first, 24, 48, { stride: 2 }));
  const last = b.relu(b.convolution(second, 48, 64, { stride: 2 }));
  const [mean] = b.node('GlobalAveragePool', [last]);
  const [flat] = b.node('Flatten', [mean]);
  const [scores] = b.node('Gemm', [flat, b.weights('head', [64, CLASSES])], {}, { outputs: ['scores'] });
  b.output(scores, 'float32', ['N', CLASSES]);
  return b.build({ opset: 13, irVersion: 8 });
}

/** Noise in CIFAR-10's binary layout: a label, then 3,072 bytes. */
async function writeNoise(folder: string, images: number): Promise<string> {
  await mkdir(folder);
  const random = seededRandom(1);
  const bytes = Uint8Array.from({ length: images * 3073 }, (_, at) => random.below(at % 3073 === 0 ? CLASSES : 256));
  for (const name of ['data_batch_1.bin', 'test_batch.bin']) await writeFile(join(folder, name), bytes);
  return folder;
}

describe('bits a weight', () => {
  const folder = temporaryFolder();
  let given: Pick<CompressOptions, 'model' | 'data' | 'calibration' | 'allowNoisyLayers' | 'range' | 'threads'>;
  beforeAll(async () => {
    const model = join(folder(), 'noise.onnx');
    await writeModel(network(), model);
    const data = `cifar10:${await writeNoise(join(folder(), 'noise'), 48)}`;
    given = { model, data, calibration: 48, allowNoisyLayers: true, range: 'min-max', threads: 1 };
  });
  const run = async (name: string, options: Partial<CompressOptions>) => {
    const out = join(folder(), name);
    const result = await compress({ ...given, ...options, out });
    return { out, result, model: await readFile(join(out, 'model.onnx')) };
  };

  it.each([
    ['16 clusters', 2.2, { clusters: 16 }],
    ['64 clusters', 3, { clusters: 64 }],
    ['int8 codes, no clusters', 3, {}],
    ['nearest codes of 16 clusters', 2.5, { clusters: 16, rounding: 'nearest' as const }],
  ])('are kept for %s, and are what the bundle spends on them', async (name, asked, options) => {
    const { out, result } = await run(name.replaceAll(/\W/g, '-'), { ...options, bitsPerWeight: asked });
    expect(result.bitsPerWeight).toBeLessThanOrEqual(asked);
    expect(result.bitsPerWeight).toBeGreaterThan(0.985 * asked);
    const bundle = await bundlePackage(out);
    const spent = (8 * bundle.sizes.codes) / WEIGHTS;
    expect(Math.abs(spent / result.bitsPerWeight - 1)).toBeLessThan(0.06);
    const path = join(folder(), 'one.bundle');
    await writeFile(path, bundle.bytes);
    const back = join(folder(), `${name} again`);
    await unpackBundle(path, back);
    expect(await readFile(join(back, 'model.onnx'))).toEqual(await readFile(join(out, 'model.onnx')));
  });

  it('change nothing where there are as many as the codes take anyway', async () => {
    const plain = await run('plain', { clusters: 16 });
    const ample = await run('ample', { clusters: 16, bitsPerWeight: 8 });
    expect(ample.model).toEqual(plain.model);
    expect(plain.result.bitsPerWeight).toBeGreaterThan(3);
  });

  it('stay as they are where codebooks are trained, and repeat from the plan of a package', async () => {
    const first = await run('first', { clusters: 16, bitsPerWeight: 2, qatEpochs: 1 });
    expect(first.result.bitsPerWeight).toBeLessThanOrEqual(2);
    expect(first.result.bitsPerWeight).toBeGreaterThan(1.97);
    expect(first.result.warnings.join()).not.toContain('were asked for');
    const { plan } = JSON.parse(await readFile(join(first.out, 'manifest.json'), 'utf8'));
    expect(plan.bitsPerWeight).toBe(2);
    expect((await run('repeated', { plan })).model).toEqual(first.model);
  });

  it('are refused where no code is so short or so long', async () => {
    const refused = run('refused', { clusters: 16, bitsPerWeight: 0.1 });
    await expect(refused).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining('bitsPerWeight') });
  });
});
