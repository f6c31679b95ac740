import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compress } from '../../../exporter/commands/compress.ts';
import { pruneFile } from '../../../exporter/commands/prune-file.ts';
import { quantizeFile } from '../../../exporter/commands/quantize-file.ts';
import { reconstructFile } from '../../../exporter/commands/reconstruct-file.ts';
import { readModel } from '../../../onnx/file/read.ts';
import { writeModel } from '../../../onnx/file/write.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { colourClassifier } from '../../support/tiny-classifier.ts';
import { given, modelIn } from './given.ts';

const folder = temporaryFolder();
const PRUNING = { pruneFlops: 0.5, pruneImages: 128 };

describe('prune from file to file', () => {
  test('leaves a smaller float model that answers as well, and says how its images are normalised', async () => {
    const { at, options } = await given(folder());
    const out = at('pruned.onnx');
    const { stages, groups } = await pruneFile({ ...options, ...PRUNING, normalize: 'unit', out });
    expect(stages.map(({ name }) => name)).toEqual(['float', 'prune', 'reconstruct']);
    const [float, , rebuilt] = stages;
    expect(rebuilt!.flops).toBeLessThanOrEqual(0.5 * (float!.flops ?? 0));
    expect([float!.top1, rebuilt!.top1]).toEqual([1, 1]);
    const { metadata, graph } = await readModel(out);
    expect(metadata.get('wayside.normalize')).toBe('0,0,0/1,1,1');
    for (const { name, after } of groups) expect(graph.initializers.get(name)?.dims[0]).toBe(after);
    expect(existsSync(`${out}.work`)).toBe(false);
    await expect(pruneFile({ ...options, ...PRUNING, out })).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
  });

  test('then reconstructed and quantized by itself is what compress makes in one go', async () => {
    const { at, options } = await given(folder());
    const bare = { ...options, ...PRUNING, reconstruct: false, out: at('bare.onnx') };
    expect((await pruneFile(bare)).stages.map(({ name }) => name)).toEqual(['float', 'prune']);
    const rebuilt = await reconstructFile({
      ...options,
      calibration: PRUNING.pruneImages,
      model: bare.out,
      original: options.model,
      out: at('rebuilt.onnx'),
    });
    expect(rebuilt.layers.every(({ before, after }) => after <= before * 1.0001)).toBe(true);
    expect(rebuilt.stages.map(({ name, top1 }) => [name, top1 > 0.9])).toContainEqual(['reconstruct', true]);
    await pruneFile({ ...options, ...PRUNING, out: at('whole.onnx') });
    expect(await modelIn(at('rebuilt.onnx'))).toEqual(await modelIn(at('whole.onnx')));

    await quantizeFile({ ...options, model: at('rebuilt.onnx'), out: at('chained.onnx') });
    await compress({ ...options, ...PRUNING, out: at('package') });
    expect(await modelIn(at('chained.onnx'))).toEqual(await modelIn(join(at('package'), 'model.onnx')));
    expect((await readModel(at('chained.onnx'))).metadata.has('wayside.removed')).toBe(false);
  });

  test('leaves frozen groups whole, named by a weight they hold, and knows no others', async () => {
    const { at, options } = await given(folder());
    const asked = {
      ...options,
      pruneImages: 64,
      pruneParams: 0.2,
      reconstruct: false,
      pruneCriterion: 'l2' as const,
    };
    const { groups } = await pruneFile({ ...asked, freeze: ['head.weight'], out: at('frozen.onnx') });
    expect(groups.find(({ name }) => name === 'conv2.weight')).toMatchObject({ before: 16, after: 16 });
    expect(groups.find(({ name }) => name === 'conv1.weight')!.after).toBeLessThan(16);
    await expect(pruneFile({ ...asked, freeze: ['conv9.weight'], out: at('none.onnx') })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('conv9.weight'),
      hint: expect.stringContaining('conv1.weight'),
    });
    expect(existsSync(at('none.onnx'))).toBe(false);
  });
});

describe('reconstruct refuses', () => {
  test('a model that was not pruned, was pruned from another one, or has changed since', async () => {
    const { at, options } = await given(folder());
    const out = at('rebuilt.onnx');
    const against = (model: string, original: string) => reconstructFile({ ...options, model, original, out });
    await expect(against(options.model, options.model)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('does not say what was taken'),
    });
    const pruned = at('pruned.onnx');
    await pruneFile({ ...options, ...PRUNING, reconstruct: false, pruneCriterion: 'l1', out: pruned });
    await writeModel(colourClassifier(), at('other.onnx'));
    await expect(against(pruned, at('other.onnx'))).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('names another model'),
    });
    const { metadata } = await readModel(pruned);
    await writeModel({ ...colourClassifier(), metadata }, at('changed.onnx'));
    await expect(against(at('changed.onnx'), options.model)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('no longer those that pruning left'),
    });
    expect(existsSync(out)).toBe(false);
  });
});
