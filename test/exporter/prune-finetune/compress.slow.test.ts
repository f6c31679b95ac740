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

async function given(): Promise<Pick<CompressOptions, 'model' | 'data' | 'out' | 'calibration' | 'threads'>> {
  const data = await writeColours(
    join(folder(), 'colours'),
    Array.from({ length: 300 }, (_, i) => i % 3),
  );
  const place = join(folder(), `run-${(await readdir(folder())).length}`);
  await mkdir(place);
  await writeModel(wideClassifier(), join(place, 'wide.onnx'));
  const out = join(place, 'package');
  return { model: join(place, 'wide.onnx'), data: `cifar10:${data}`, out, calibration: 64, threads: 1 };
}

const modelOf = (out: string): Promise<Buffer> => readFile(join(out, 'model.onnx'));

describe('compress with pruning', () => {
  test('takes the channels that carry nothing, and says what each stage cost and bought', async () => {
    const options = await given();
    const result = await compress({ ...options, pruneFlops: 0.5 });
    expect(result.stages.map(({ name }) => name)).toEqual(['float', 'prune', 'reconstruct', 'quantize']);
    const [float, prune, reconstruct, quantize] = result.stages;
    expect(float).toMatchObject({ top1: 1, bytes: result.baseline.bytes });
    expect(prune!.flops).toBeLessThanOrEqual(0.5 * (float!.flops ?? 0));
    expect(prune!.params).toBeLessThan(float!.params);
    expect(reconstruct).toMatchObject({ top1: 1, flops: prune!.flops });
    expect(quantize).toMatchObject({ top1: 1, flops: prune!.flops, bytes: result.candidate.bytes });
    expect(existsSync(`${options.out}.work`)).toBe(false);
    const report = await readFile(join(options.out, 'report.html'), 'utf8');
    for (const text of [
      'What each stage cost and bought',
      'Channels kept',
      'Sensitivity',
      'Size against accuracy',
      'conv1.weight',
    ]) {
      expect(report).toContain(text);
    }
  });

  test.each(['taylor', 'l2', 'l1', 'fpgm'] as const)(
    'judges channels by %s, and measures sensitivity if asked to',
    async (how) => {
      const options = await given();
      const stages = new Set<string>();
      const onProgress = ({ stage }: { readonly stage: string }): void => void stages.add(stage);
      await compress({ ...options, pruneFlops: 0.5, pruneCriterion: how, onProgress });
      expect(stages).toContain('judging channels');
      expect(stages).not.toContain('measuring sensitivity');
      const reportOf = (out: string) => readFile(join(out, 'report.html'), 'utf8');
      expect(await reportOf(options.out)).toContain('Channels kept');
      expect(await reportOf(options.out)).not.toContain('Sensitivity');

      const plan = CompressionPlan.parse((await readPackage(options.out)).manifest.plan);
      expect(plan.prune).toMatchObject({ criterion: how });
      const asked = { ...plan, prune: { ...plan.prune!, sensitivity: true } };
      await compress({ ...options, out: `${options.out}-asked`, plan: asked });
      expect(await modelOf(`${options.out}-asked`)).toEqual(await modelOf(options.out));
      expect(await reportOf(`${options.out}-asked`)).toContain('Sensitivity');
    },
  );

  test('repeats from the plan in its package, and follows what is edited there', async () => {
    const options = await given();
    await compress({ ...options, pruneParams: 0.4, clusters: 8 });
    const plan = CompressionPlan.parse((await readPackage(options.out)).manifest.plan);
    expect(plan.prune).toMatchObject({ unit: 'params', goal: 0.4, criterion: 'damage' });
    const again = `${options.out}-again`;
    await compress({ ...options, out: again, plan });
    expect(await modelOf(again)).toEqual(await modelOf(options.out));

    const edited = { ...plan, prune: { ...plan.prune!, keep: { 'conv1.weight': 3 } } };
    const result = await compress({ ...options, out: `${options.out}-edited`, plan: edited });
    expect(result.candidate.top1).toBe(1);
    expect(result.stages[1]!.params).not.toBe(result.stages[0]!.params);
  });

  test('learns from the teacher that is given, the plan says which, and a teacher of nothing is refused', async () => {
    const options = await given();
    const teacher = wideClassifier();
    await expect(compress({ ...options, teacher })).rejects.toMatchObject({ code: 'USAGE' });
    await expect(compress({ ...options, teacherWeight: 0.5 })).rejects.toMatchObject({ code: 'USAGE' });
    await compress({ ...options, teacher, finetuneEpochs: 1 });
    const { manifest } = await readPackage(options.out);
    const plan = CompressionPlan.parse(manifest.plan);
    expect(plan.finetune?.teacher).toMatch(/^sha256:/);
    await expect(compress({ ...options, plan, force: true })).rejects.toMatchObject({ code: 'USAGE' });
    const quantized = {
      ...plan,
      finetune: undefined,
      qat: { epochs: 1, rate: 1e-4, batch: 16, flip: true, teacher: plan.finetune!.teacher },
    };
    await expect(compress({ ...options, plan: quantized, force: true })).rejects.toMatchObject({ code: 'USAGE' });
  });

  test('goes on after an interruption where the last finished stage ended, to the same bytes', async () => {
    const options = { ...(await given()), pruneFlops: 0.4, finetuneEpochs: 1 };
    const whole = `${options.out}-whole`;
    const { stages } = await compress({ ...options, out: whole });
    expect(stages.map(({ name }) => name)).toEqual(['float', 'prune', 'reconstruct', 'finetune', 'quantize']);

    for (const last of ['reconstructing layers', 'epoch 1/1', 'deciding weights']) {
      const interrupt = new AbortController();
      const onProgress = ({ stage }: { readonly stage: string }): void => {
        if (stage === last) interrupt.abort();
      };
      await expect(compress({ ...options, onProgress, signal: interrupt.signal })).rejects.toThrow();
      expect(existsSync(options.out)).toBe(false);
      expect(existsSync(`${options.out}.work`)).toBe(true);
    }
    // Other epochs are another training, of the same pruned model.
    const longer = new Set<string>();
    const stop = new AbortController();
    const onProgress = ({ stage }: { readonly stage: string }): void => {
      longer.add(stage);
      if (stage === 'epoch 1/2') stop.abort();
    };
    await expect(compress({ ...options, finetuneEpochs: 2, onProgress, signal: stop.signal })).rejects.toThrow();
    expect([...longer].filter((stage) => /judging|reconstructing|epoch/.test(stage))).toEqual(['epoch 1/2']);

    const seen = new Set<string>();
    await compress({ ...options, onProgress: ({ stage }) => seen.add(stage) });
    expect([...seen].filter((stage) => /judging|reconstructing|epoch/.test(stage))).toEqual([]);
    expect(await modelOf(options.out)).toEqual(await modelOf(whole));
    expect(existsSync(`${options.out}.work`)).toBe(false);
  });

  test('a budget counts what pruning took: more than that ends before anything is quantized', async () => {
    const options = { ...(await given()), clusters: 8 };
    const held = await compress({ ...options, pruneFlops: 0.5, budget: 1, out: `${options.out}-held` });
    expect(held.candidate.top1).toBeGreaterThanOrEqual(0.99);
    expect(held.budget).toMatchObject({ points: 1 });
    expect(held.stages.map(({ name }) => name)).toEqual(['float', 'prune', 'reconstruct', 'quantize']);

    const plan = CompressionPlan.parse((await readPackage(`${options.out}-held`)).manifest.plan);
    const keep = { 'conv1.weight': 1 };
    const hard = { ...plan, prune: { ...plan.prune!, keep } };
    const seen = new Set<string>();
    const missed = compress({ ...options, plan: hard, budget: 1, onProgress: ({ stage }) => seen.add(stage) });
    await expect(missed).rejects.toMatchObject({
      code: 'BUDGET_MISSED',
      message: expect.stringMatching(/^the pruned model loses .* before it is quantized, the budget is 1$/),
      hint: expect.stringContaining('pruning less'),
    });
    expect(seen).not.toContain('deciding weights');
    expect(existsSync(options.out)).toBe(false);
  });

  test('refuses goals that cannot be reached, before anything is written', async () => {
    const options = await given();
    await expect(compress({ ...options, pruneFlops: 0.95 })).rejects.toThrow(
      expect.objectContaining({ code: 'PRUNING_IMPOSSIBLE' }),
    );
    expect(existsSync(options.out)).toBe(false);
  });
});
