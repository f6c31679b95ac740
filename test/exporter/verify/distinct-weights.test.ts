import { describe, expect, it } from 'vitest';
import { layersOf } from '../../../compression/layers.ts';
import { nearestWeights } from '../../../exporter/quantize/choose-weights.ts';
import { countDistinct } from '../../../exporter/verify/distinct-weights.ts';
import { wideClassifier } from '../../support/wide-classifier.ts';

describe('unique weights', () => {
  it('are at most k a layer; counted with scales or as products they are more, over the whole network fewer', () => {
    const model = wideClassifier();
    const layers = layersOf(model.graph);
    const weights = new Map(
      layers.map((layer) => [layer.node.name, nearestWeights(layer, { limit: 127, clusters: 4 })]),
    );
    const { original, compressed } = countDistinct(model, layers, weights);
    expect(compressed.codes).toBeLessThanOrEqual(4 * layers.length);
    expect(compressed.scales).toBe(layers.reduce((sum, { rows }) => sum + rows, 0));
    expect(compressed.products).toBeGreaterThan(compressed.codes);
    expect(compressed.products).toBeLessThanOrEqual(original.perLayer);
    expect(compressed.anywhere).toBeLessThanOrEqual(compressed.codes);
    expect(original.anywhere).toBeLessThanOrEqual(original.perLayer);
  });

  it('of layers left in float are their floats', () => {
    const model = wideClassifier();
    const { original, compressed } = countDistinct(model, layersOf(model.graph), new Map());
    expect(compressed).toEqual({
      codes: original.perLayer,
      scales: 0,
      products: original.perLayer,
      anywhere: original.anywhere,
    });
  });
});
