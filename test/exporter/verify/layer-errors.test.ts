import { describe, expect, it } from 'vitest';
import { layersOf } from '../../../compression/layers.ts';
import type { AskOptions } from '../../../exporter/search/predictions.ts';
import { measureLayerErrors } from '../../../exporter/verify/layer-errors.ts';
import type { Model } from '../../../onnx/graph.ts';
import { asFloat32, float32Tensor } from '../../../onnx/tensor.ts';
import { COLOUR_PREPROCESSING, colourImage } from '../../support/colour-classifier.ts';
import { madeDataset } from '../../support/memory-dataset.ts';
import { wideClassifier } from '../../support/wide-classifier.ts';

const dataset = madeDataset(40, (i) => ({ label: i % 3, image: colourImage((i % 3) as 0 | 1 | 2, { seed: i }) }));
const asked: AskOptions = {
  dataset,
  indices: Array.from({ length: 40 }, (_, i) => i),
  preprocessing: { ...COLOUR_PREPROCESSING, size: [32, 32] },
  threads: 1,
};

/** The model with one of its weights multiplied. */
function scaled(model: Model, name: string, factor: number): Model {
  const { dims } = model.graph.initializers.get(name)!;
  const values = asFloat32(model.graph.initializers.get(name)!).map((value) => factor * value);
  const initializers = new Map(model.graph.initializers).set(name, float32Tensor(dims, values));
  return { ...model, graph: { ...model.graph, initializers } };
}

describe('the error of layers', () => {
  const model = wideClassifier();
  const layers = layersOf(model.graph);
  const names = layers.map(({ node }) => node.name);

  it('is nothing for the same model', async () => {
    const { images, decibels } = await measureLayerErrors(model, model, layers, asked);
    expect(images).toBe(20);
    expect([...decibels]).toEqual(names.map((name) => [name, 144]));
  });

  it('is that of the weights in their layer, goes on through the layers after it, and spares those before it', async () => {
    const { decibels } = await measureLayerErrors(model, scaled(model, 'conv2.weight', 1.1), layers, asked);
    const [first, second, head] = names.map((name) => decibels.get(name)!);
    expect(first).toBe(144);
    // A tenth too much everywhere: 20 log10(1 / 0.1).
    expect(second).toBeCloseTo(20, 2);
    expect(head).toBeCloseTo(20, 2);
  });
});
