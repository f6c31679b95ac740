import { describe, expect, it } from 'vitest';
import { histogramCard, weightHistogram } from '../../../exporter/report/weight-histogram.ts';
import { reportInput } from './given.ts';

describe('the histogram of a layer', () => {
  const { quantized } = reportInput({ layers: 1, clusters: 4 });
  const [layer] = quantized.layers;
  const decided = quantized.weights.get(layer!.node.name)!;

  it('counts every weight once as a float and once as a code', () => {
    const { counts, codes, reach } = weightHistogram(layer!, decided);
    const total = layer!.rows * layer!.columns;
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(total);
    expect(codes.reduce((sum, { count }) => sum + count, 0)).toBe(total);
    expect(codes.map(({ code }) => code)).toEqual([...new Set(decided.codes)].sort((a, b) => a - b));
    expect(reach).toBeGreaterThan(Math.max(...codes.map(({ code }) => Math.abs(code))));
  });

  it('has the mass of the weights where their codes are', () => {
    const { counts, codes, reach } = weightHistogram(layer!, decided);
    const middleOf = (bin: number): number => ((bin + 0.5) / counts.length) * 2 * reach - reach;
    const total = layer!.rows * layer!.columns;
    const mean = counts.reduce((sum, count, bin) => sum + count * middleOf(bin), 0) / total;
    const ofCodes = codes.reduce((sum, { code, count }) => sum + count * code, 0) / total;
    expect(Math.abs(mean - ofCodes)).toBeLessThan(reach / 20);
  });

  it('draws a line for each code, none for a layer in float', () => {
    const card = histogramCard(layer!, decided, 1);
    expect(card.match(/class="codes" d="([^"]+)"/)?.[1]?.match(/M/g)).toHaveLength(new Set(decided.codes).size);
    expect(histogramCard(layer!, undefined, 1)).not.toContain('class="codes"');
  });
});
