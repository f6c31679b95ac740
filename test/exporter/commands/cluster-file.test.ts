import { describe, expect, test } from 'vitest';
import { layersOf, weightRows } from '../../../compression/layers.ts';
import { clusterFile } from '../../../exporter/commands/cluster-file.ts';
import { readModel } from '../../../onnx/file/read.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { given } from './given.ts';

const folder = temporaryFolder();

describe('cluster from file to file', () => {
  test('leaves a float model with that many values in each layer and everything else as it was', async () => {
    const { at, options } = await given(folder());
    const { layers, stages } = await clusterFile({ model: options.model, clusters: 4, out: at('clustered.onnx') });
    expect(stages).toBeUndefined();
    const [before, after] = [await readModel(options.model), await readModel(at('clustered.onnx'))];
    expect({ ...after.graph, initializers: undefined }).toEqual({ ...before.graph, initializers: undefined });
    for (const [i, layer] of layersOf(after.graph).entries()) {
      const distinct = new Set(weightRows(layer)).size;
      expect(distinct).toBeLessThanOrEqual(4);
      expect(layers[i]).toMatchObject({
        name: layer.node.name,
        after: distinct,
        weights: layer.weights.bytes.length / 4,
      });
      expect(layers[i]!.before).toBeGreaterThan(distinct);
      expect(layers[i]!.error).toBeLessThan(0.5);
    }
  });

  test('weighs by what weights are multiplied with where there is data, and measures', async () => {
    const { at, options } = await given(folder());
    const plain = await clusterFile({ model: options.model, clusters: 4, out: at('plain.onnx') });
    const weighed = await clusterFile({ ...options, clusters: 4, out: at('weighed.onnx') });
    expect(weighed.stages?.map(({ name, top1 }) => [name, top1])).toEqual([
      ['float', 1],
      ['cluster', 1],
    ]);
    expect(weighed.layers.map(({ error }) => error)).not.toEqual(plain.layers.map(({ error }) => error));
    expect((await readModel(at('weighed.onnx'))).metadata.has('wayside.normalize')).toBe(true);
  });
});
