import { describe, expect, test } from 'vitest';
import { inspectModel } from '../../../cli/inspection.ts';
import { layersOf, weightRows } from '../../../compression/layers.ts';
import { calibrateFile } from '../../../exporter/commands/calibrate-file.ts';
import { clusterFile } from '../../../exporter/commands/cluster-file.ts';
import { pruneFile } from '../../../exporter/commands/prune-file.ts';
import { quantizeFile } from '../../../exporter/commands/quantize-file.ts';
import { sensitivityFile } from '../../../exporter/commands/sensitivity-file.ts';
import { GraphBuilder } from '../../../onnx/build.ts';
import { readModel } from '../../../onnx/file/read.ts';
import type { Model } from '../../../onnx/graph.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { constantNodes } from '../../support/networks/forms.ts';
import { inHalf } from '../../support/networks/half.ts';
import { runWayside } from '../../support/wayside.ts';
import { wideClassifier } from '../../support/wide-classifier.ts';
import { given } from '../commands/given.ts';

const folder = temporaryFolder();

/** The same classifier as files keep it, the last three rounded to float16; two go through all commands, which takes its time. */
const FORMS: readonly (readonly [string, 'through' | 'first', (model: Model) => Model])[] = [
  ['Constant nodes', 'through', constantNodes],
  ['float16 between Casts', 'first', (model) => inHalf(model)],
  ['float16 inputs and outputs', 'through', (model) => inHalf(model, 'bare')],
  ['float16 in Constant nodes', 'first', (model) => inHalf(model, 'cast', 'constants')],
];

describe.each(FORMS)('a classifier with its weights in %s', (_, extent, form) => {
  const written = () => given(folder(), form(wideClassifier()));

  test('is inspected as with initializers', async () => {
    const [plain, formed] = [inspectModel(wideClassifier()), inspectModel(form(wideClassifier()))];
    expect(formed.parameters).toBe(plain.parameters);
    expect(formed.layers.map(({ weights }) => weights)).toEqual(plain.layers.map(({ weights }) => weights));
    expect(formed.macs).toBe(plain.macs);
  });

  test('is clustered, with data and without', async () => {
    const { at, options } = await written();
    await clusterFile({ model: options.model, clusters: 4, out: at('clustered.onnx') });
    await clusterFile({ ...options, clusters: 4, out: at('weighed.onnx') });
    for (const name of ['clustered.onnx', 'weighed.onnx']) {
      const layers = layersOf((await readModel(at(name))).graph);
      expect(layers).toHaveLength(layersOf(wideClassifier().graph).length);
      for (const layer of layers) expect(new Set(weightRows(layer)).size).toBeLessThanOrEqual(4);
    }
  });

  if (extent === 'first') return;

  test('is pruned, measured and quantized as with initializers', async () => {
    const plain = await given(folder());
    const { at, options } = await written();
    const goal = { pruneFlops: 0.3, pruneImages: 64, pruneCriterion: 'l1', reconstruct: false } as const;
    const [expected, pruned] = [
      await pruneFile({ ...plain.options, ...goal, out: plain.at('pruned.onnx') }),
      await pruneFile({ ...options, ...goal, out: at('pruned.onnx') }),
    ];
    const kept = ({ groups }: typeof pruned) => groups.reduce((sum, { after }) => sum + after, 0);
    expect(kept(pruned)).toBe(kept(expected));
    const measured = await sensitivityFile(options);
    expect(measured.groups.length).toBe((await sensitivityFile(plain.options)).groups.length);
    const { fused, stages } = await quantizeFile({ ...options, out: at('int8.onnx') });
    expect(fused.float).toEqual([]);
    expect(fused.quantized).toBe(layersOf(wideClassifier().graph).length);
    expect(stages.at(-1)?.top1).toBe(1);
  });

  test('is fine-tuned on other classes: its head is found', async () => {
    const { at, options } = await written();
    const run = await runWayside([
      ...['finetune', options.model, '--data', options.data, '--classes', '5', '--epochs', '1', '--freeze'],
      ...['--augment', 'none', '--out', at('tuned.onnx')],
    ]);
    expect(run).toMatchObject({ exit: 0 });
    expect(layersOf((await readModel(at('tuned.onnx'))).graph).at(-1)?.rows).toBe(5);
  });
});

describe('a stage that would change nothing', () => {
  const bare = (): Model => {
    const b = new GraphBuilder('bare');
    const image = b.input('image', 'float32', ['N', 3, 32, 32]);
    const [mean] = b.node('GlobalAveragePool', [image]);
    const [scores] = b.node('Flatten', [mean], {}, { outputs: ['scores'] });
    b.output(scores, 'float32', ['N', 3]);
    return b.build({ opset: 13, irVersion: 8 });
  };

  test('says so and writes nothing', async () => {
    const { at, options } = await given(folder(), bare());
    const out = at('out');
    const nothing = { code: 'NOTHING_TO_DO' };
    await expect(clusterFile({ model: options.model, clusters: 4, out })).rejects.toMatchObject(nothing);
    await expect(clusterFile({ ...options, clusters: 4, out })).rejects.toMatchObject(nothing);
    await expect(quantizeFile({ ...options, out, allowFloat: true })).rejects.toMatchObject(nothing);
    await expect(calibrateFile({ ...options, out })).rejects.toMatchObject(nothing);
    await expect(sensitivityFile(options)).rejects.toMatchObject(nothing);
    const impossible = { code: 'PRUNING_IMPOSSIBLE' };
    await expect(pruneFile({ ...options, out, pruneFlops: 0.3 })).rejects.toMatchObject(impossible);
    await expect(readModel(out)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });

  test('clustering does not repeat itself', async () => {
    const { at, options } = await given(folder());
    await clusterFile({ model: options.model, clusters: 4, out: at('once.onnx') });
    const again = clusterFile({ model: at('once.onnx'), clusters: 4, out: at('twice.onnx') });
    await expect(again).rejects.toMatchObject({ code: 'NOTHING_TO_DO' });
  });
});
