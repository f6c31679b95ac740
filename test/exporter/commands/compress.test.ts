import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type CompressOptions, compress } from '../../../exporter/commands/compress.ts';
import { CompressionPlan } from '../../../exporter/plan/plan.ts';
import { verifyGolden } from '../../../inference/golden.ts';
import { readPackage } from '../../../inference/read-package.ts';
import { openSession } from '../../../inference/session.ts';
import { GraphBuilder } from '../../../onnx/build.ts';
import { writeModel } from '../../../onnx/file/write.ts';
import type { Model } from '../../../onnx/graph.ts';
import { float32Tensor } from '../../../onnx/tensor.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { colourClassifier, writeColours } from '../../support/tiny-classifier.ts';
import { bomProblems } from '../../support/valid-bom.ts';

const folder = temporaryFolder();

async function given(model: Model = colourClassifier()): Promise<Pick<CompressOptions, 'model' | 'data' | 'out'>> {
  const data = await writeColours(
    join(folder(), 'colours'),
    Array.from({ length: 30 }, (_, i) => i % 3),
  );
  const place = join(folder(), `run-${(await readdir(folder())).length}`);
  await mkdir(place);
  const path = join(place, 'colours.onnx');
  await writeModel(model, path);
  return { model: path, data: `cifar10:${data}`, out: join(place, 'package') };
}

/** A classifier whose weights are computed from the image: nothing can quantize it. */
function selfMultiplying(): Model {
  const builder = new GraphBuilder('squares');
  const image = builder.input('image', 'float32', [1, 3, 32, 32]);
  const [mean] = builder.node('GlobalAveragePool', [image]);
  const [flat] = builder.node('Flatten', [mean]);
  const [turned] = builder.node('Transpose', [flat]);
  const [square] = builder.node('MatMul', [turned, flat]);
  const row = builder.constant('row', float32Tensor([1, 3], Float32Array.of(1, 1, 1)));
  const [scores] = builder.node('MatMul', [row, square], {}, { outputs: ['scores'] });
  builder.output(scores, 'float32', [1, 3]);
  return builder.build({ opset: 13, irVersion: 8 });
}

describe('compress', () => {
  test('makes a package that holds what it reports', async () => {
    const options = await given();
    const result = await compress({ ...options, calibration: 12, clusters: 4 });
    expect(result.package).toBe(options.out);
    expect(result.baseline.top1).toBe(1);
    expect(result.candidate).toMatchObject({ top1: 1, samples: 30 });
    expect(result.uniqueWeights.after).toBeLessThanOrEqual(8);
    expect(result.fused).toEqual({ quantized: 2, float: [] });

    const written = await readPackage(options.out);
    expect(written.bytes).toBe(result.candidate.bytes);
    expect(written.manifest).toMatchObject({ name: 'colours', target: 'any', measured: { candidate: { top1: 1 } } });
    const session = await openSession(written.modelPath);
    await verifyGolden(session, written.manifest.preprocessing, written.golden);
    await session.close();
    const bill = await readFile(join(options.out, 'sbom.json'), 'utf8');
    expect(await bomProblems(bill)).toBeNull();
    const { component } = JSON.parse(bill).metadata;
    expect(component.modelCard.quantitativeAnalysis.performanceMetrics[0]).toMatchObject({
      ...{ type: 'top-1 accuracy', value: '1', slice: written.manifest.measured?.data },
      confidenceInterval: { lowerBound: expect.stringMatching(/^0\.8/), upperBound: '1' }, // 30 of 30
    });
    const report = await readFile(join(options.out, 'report.html'), 'utf8');
    expect(report).toContain('Top-1');
    expect(report).not.toMatch(/<script|src=|href="(?!#)|url\(/);
  });

  test('a package that is for no street says so in format 2, which names its task; any other stays in format 1', async () => {
    const options = await given();
    await compress({ ...options, calibration: 6 });
    const { manifest } = await readPackage(options.out);
    expect(manifest.format).toBe(1);
    expect([manifest.task, manifest.purpose]).toEqual([undefined, undefined]);
    await compress({ ...options, calibration: 6, purpose: 'demonstration', force: true });
    expect((await readPackage(options.out)).manifest).toMatchObject({
      format: 2,
      task: 'classification',
      purpose: 'demonstration',
    });
  });

  test('what folding noted reaches the result and the report; where nothing was folded nothing is said', async () => {
    const { graph, ...rest } = colourClassifier();
    const [conv, ...others] = graph.nodes;
    const [passed = ''] = conv!.outputs;
    const scale = {
      name: 'scale',
      opType: 'Mul',
      domain: '',
      inputs: ['raw', 'factor'],
      outputs: [passed],
      attributes: {},
    };
    const initializers = new Map(graph.initializers).set(
      'factor',
      float32Tensor([1, 3, 1, 1], Float32Array.of(1, 1.5, 1)),
    );
    const nodes = [{ ...conv!, outputs: ['raw'] }, scale, ...others];
    const scaled = await given({ ...rest, graph: { ...graph, nodes, initializers } });
    const { notes } = await compress({ ...scaled, calibration: 12 });
    expect(notes).toEqual(['fold-batch-norm: merged 1 normalizations and biases into the layers before them']);
    expect(await readFile(join(scaled.out, 'report.html'), 'utf8')).toContain(notes[0]);

    const plain = await given();
    expect((await compress({ ...plain, calibration: 12 })).notes).toEqual([]);
    expect(await readFile(join(plain.out, 'report.html'), 'utf8')).not.toContain('>Folded<');
  });

  test('the plan in the package makes the same bytes again; so do the same options', async () => {
    const options = { ...(await given()), calibration: 12, clusters: 4, seed: 3 };
    await compress(options);
    const model = async (out: string): Promise<Buffer> => readFile(join(out, 'model.onnx'));
    const plan = CompressionPlan.parse((await readPackage(options.out)).manifest.plan);
    const { clusters: _, seed: __, ...bare } = options;
    await compress({ ...bare, plan, out: `${options.out}-plan` });
    await compress({ ...options, out: `${options.out}-again` });
    expect(await model(`${options.out}-plan`)).toEqual(await model(options.out));
    expect(await model(`${options.out}-again`)).toEqual(await model(options.out));
  });

  test('refuses what stays in float and leaves nothing behind; allows it when told to', async () => {
    const options = { ...(await given(selfMultiplying())), calibration: 6 };
    await expect(compress(options)).rejects.toMatchObject({ code: 'FUSION_INCOMPLETE' });
    expect(await readdir(join(options.out, '..'))).toEqual(['colours.onnx']);
    const result = await compress({ ...options, allowFloat: true, limit: 4 });
    expect(result.fused.float.length).toBeGreaterThan(0);
    expect(existsSync(join(options.out, 'model.onnx'))).toBe(true);
  });

  test('stopped on the way, it leaves nothing behind', async () => {
    const options = { ...(await given()), calibration: 12 };
    const stop = new AbortController();
    const onProgress = ({ stage }: { stage: string }): void => {
      if (stage === 'evaluating compressed model') stop.abort();
    };
    await expect(compress({ ...options, signal: stop.signal, onProgress })).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(await readdir(join(options.out, '..'))).toEqual(['colours.onnx']);
  });

  test('replaces an existing package only when told to, and keeps it when it fails', async () => {
    const options = { ...(await given()), calibration: 6 };
    await compress(options);
    await expect(compress(options)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    await compress({ ...options, force: true, name: 'second' });
    expect((await readPackage(options.out)).manifest.name).toBe('second');
  });

  test.each([
    [{ clusters: 1 }, 'CLUSTER_INVALID'],
    [{ clusters: 300 }, 'CLUSTER_INVALID'],
    [{ target: 'z80' }, 'USAGE'],
    [{ data: 'cifar10:/nowhere' }, 'DATASET_INVALID'],
    [{ model: '/nowhere.onnx' }, 'FILE_NOT_FOUND'],
  ])('%j is refused with %s', async (wrong, code) => {
    const options = { ...(await given()), calibration: 6 };
    await expect(compress({ ...options, ...wrong })).rejects.toMatchObject({ code });
    expect(existsSync(options.out)).toBe(false);
  });
});
