import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { compress } from '../../../exporter/commands/compress.ts';
import { quantizeFile } from '../../../exporter/commands/quantize-file.ts';
import { readPackage } from '../../../inference/read-package.ts';
import { ints } from '../../../onnx/attributes.ts';
import { readModel } from '../../../onnx/file/read.ts';
import { writeModel } from '../../../onnx/file/write.ts';
import type { Model } from '../../../onnx/graph.ts';
import { float32Tensor } from '../../../onnx/tensor.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { colourClassifier, writeColours } from '../../support/tiny-classifier.ts';
import { runWayside } from '../../support/wayside.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder(), name);

/** The classifier of colours with a head before it that nobody asked for, and whose output is the first. */
function withMaps(): Model {
  const model = colourClassifier();
  const { graph } = model;
  const [image] = graph.inputs;
  const weights = Float32Array.from({ length: 8 * 3 * 4 }, (_, i) => Math.sin(i));
  const maps = {
    name: 'maps',
    opType: 'Conv',
    domain: '',
    inputs: [image!.name, 'auxiliary'],
    outputs: ['maps'],
    attributes: { kernel_shape: ints([2, 2]), strides: ints([2, 2]) },
  };
  const initializers = new Map(graph.initializers).set('auxiliary', float32Tensor([8, 3, 2, 2], weights));
  const outputs = [{ name: 'maps', dtype: 'float32' as const, shape: null }, ...graph.outputs];
  return { ...model, graph: { ...graph, initializers, nodes: [...graph.nodes, maps], outputs } };
}

describe('which of several outputs holds the scores', () => {
  beforeAll(async () => {
    await writeColours(at('data'), [0, 1, 2, 0, 1, 2, 1, 0]);
    await writeModel(withMaps(), at('model.onnx'));
  });
  const given = () => ({
    model: at('model.onnx'),
    data: `cifar10:${at('data')}`,
    normalize: 'unit',
    calibration: 6,
    threads: 1,
  });
  const scores = () => colourClassifier().graph.outputs[0]!.name;

  test('the first is no vector of scores: all are named, and the option', async () => {
    const refused = quantizeFile({ ...given(), out: at('never.onnx') });
    await expect(refused).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      hint: expect.stringMatching(/--output: maps, float32 \[.*\]; \w+, float32 \[.*3\]/),
    });
  });

  test('the one chosen stays alone, without what only the others needed', async () => {
    const out = at('int8.onnx');
    const { fused, stages } = await quantizeFile({ ...given(), output: scores(), out });
    expect(fused.float).toEqual([]);
    expect(stages.map(({ top1 }) => top1)).toEqual([1, 1].map(() => stages[0]!.top1));
    const { graph } = await readModel(out);
    expect(graph.outputs.map(({ name }) => name)).toEqual([scores()]);
    expect(graph.nodes.map(({ name }) => name)).not.toContain('maps');
  });

  test('a package names it and holds it alone', async () => {
    const out = at('package');
    await compress({ ...given(), output: scores(), out });
    const { manifest, modelPath } = await readPackage(out);
    expect(manifest.output).toEqual({ name: scores(), classes: 3 });
    expect((await readModel(modelPath)).graph.outputs).toHaveLength(1);
  });

  test('one that is not there is a mistake of whoever asked', async () => {
    const refused = quantizeFile({ ...given(), output: 'logits', out: at('never.onnx') });
    await expect(refused).rejects.toMatchObject({ code: 'USAGE', hint: expect.stringContaining('maps, float32') });
  });

  test('on the command line: evaluate, quantize, finetune', async () => {
    const bare = [at('model.onnx'), '--data', given().data, '--normalize', 'unit'];
    const refused = await runWayside(['evaluate', ...bare]);
    expect(refused.exit).toBe(65);
    expect(refused.stderr).toContain('--output');
    const measured = await runWayside(['evaluate', ...bare, '--output', scores(), '--json']);
    expect(JSON.parse(measured.stdout)).toMatchObject({ samples: 8, top1: 6 / 8 });
    const noted = await runWayside(['quantize', ...bare, '--out', at('noted.onnx'), '--calibration', '6']);
    expect(noted.stderr).toMatch(/note: 2 outputs: maps, float32 .*maps is taken for the scores/);
    const tuning = [
      '--epochs',
      '1',
      '--batch',
      '2',
      '--augment',
      'none',
      '--validation',
      '0.5',
      '--out',
      at('tuned.onnx'),
    ];
    const tuned = await runWayside(['finetune', ...bare, '--output', scores(), ...tuning]);
    expect(tuned).toMatchObject({ exit: 0 });
    expect((await readModel(at('tuned.onnx'))).graph.outputs).toHaveLength(1);
  });
});
