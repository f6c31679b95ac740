import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type CompressOptions, compress } from '../../../exporter/commands/compress.ts';
import { CompressionPlan } from '../../../exporter/plan/plan.ts';
import { readPackage } from '../../../inference/read-package.ts';
import { writeModel } from '../../../onnx/file/write.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { writeColours } from '../../support/tiny-classifier.ts';
import { wideClassifier } from '../../support/wide-classifier.ts';

const folder = temporaryFolder();

async function given() {
  const data = await writeColours(
    join(folder(), 'colours'),
    Array.from({ length: 300 }, (_, i) => i % 3),
  );
  const place = join(folder(), `run-${(await readdir(folder())).length}`);
  await mkdir(place);
  await writeModel(wideClassifier(), join(place, 'wide.onnx'));
  const out = join(place, 'package');
  const common = { model: join(place, 'wide.onnx'), data: `cifar10:${data}`, out, calibration: 64, threads: 1 };
  return { ...common, clusters: 4, qatEpochs: 2 } satisfies CompressOptions;
}

const modelOf = (out: string): Promise<Buffer> => readFile(join(out, 'model.onnx'));

describe('compress with training on the simulated int8 model', () => {
  test('is a stage of its own, after quantizing, that a plan repeats', async () => {
    const options = await given();
    const result = await compress(options);
    expect(result.stages.map(({ name }) => name)).toEqual(['float', 'quantize', 'qat']);
    const [, quantize, qat] = result.stages;
    const { samples: _, ...candidate } = result.candidate;
    expect(qat).toMatchObject({ ...candidate, top1: 1, flops: quantize!.flops, params: quantize!.params });
    expect(qat!.seconds).toBeGreaterThan(0);
    expect(result.fused.float).toEqual([]);
    expect(existsSync(`${options.out}.work`)).toBe(false);

    const { qatEpochs: __, ...without } = options;
    const untrained = `${options.out}-untrained`;
    const before = await compress({ ...without, out: untrained });
    expect(quantize).toMatchObject({ top1: before.candidate.top1, bytes: before.candidate.bytes });
    expect(await modelOf(untrained)).not.toEqual(await modelOf(options.out));

    const plan = CompressionPlan.parse((await readPackage(options.out)).manifest.plan);
    expect(plan.qat).toEqual({ epochs: 2, rate: 0.0003, batch: 128, flip: true });
    await compress({ ...without, out: `${options.out}-again`, plan });
    expect(await modelOf(`${options.out}-again`)).toEqual(await modelOf(options.out));
  });

  test('goes on after an interruption to the same bytes, and repeats no training that had finished', async () => {
    const options = await given();
    const whole = `${options.out}-whole`;
    await compress({ ...options, out: whole });
    for (const last of ['quantized, epoch 1/2', 'quantized, epoch 2/2', 'evaluating compressed model']) {
      const interrupt = new AbortController();
      const onProgress = ({ stage }: { readonly stage: string }): void => {
        if (stage === last) interrupt.abort();
      };
      await expect(compress({ ...options, onProgress, signal: interrupt.signal })).rejects.toThrow();
      expect(existsSync(options.out)).toBe(false);
      expect(existsSync(`${options.out}.work`)).toBe(true);
    }
    const seen = new Set<string>();
    await compress({ ...options, onProgress: ({ stage }) => seen.add(stage) });
    expect([...seen].filter((stage) => /epoch/.test(stage))).toEqual([]);
    expect(await modelOf(options.out)).toEqual(await modelOf(whole));
    expect(existsSync(`${options.out}.work`)).toBe(false);
  });
});
