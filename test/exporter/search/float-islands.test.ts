import { describe, expect, test } from 'vitest';
import { withIslands } from '../../../exporter/search/float-islands.ts';
import { int } from '../../../onnx/attributes.ts';
import type { Model } from '../../../onnx/graph.ts';
import { NetworkBuilder } from '../networks.ts';

/**
 * Layers 0 to 5: two at the input, a pair side by side that is joined, two at the end. 16x16 pixels; between layers 1 and 4 lie
 * 2 * 256 * channels values and 2 * 256 * channels^2 / 2 products, so that 90 products a value are reached at 180 channels.
 */
function network(channels: number): Model {
  const b = new NetworkBuilder('islands');
  const image = b.input('image', 'float32', ['N', 3, 16, 16]);
  const convolution = (x: string, from: number, to: number): string => b.convolution(x, from, to, { kernel: 1 });
  const stem = convolution(convolution(image, 3, channels), channels, channels);
  const half = channels / 2;
  const [joined] = b.node('Concat', [convolution(stem, channels, half), convolution(stem, channels, half)], {
    axis: int(1),
  });
  const neck = convolution(joined, channels, channels);
  const [y] = b.node('Identity', [convolution(neck, channels, 4)], {}, { outputs: ['y'] });
  b.output(y, 'float32', null);
  return b.build({ opset: 13, irVersion: 7 });
}

const namesIn = (model: Model): string[] =>
  model.graph.nodes.filter(({ opType }) => opType === 'Conv').map(({ name }) => name);

describe('layers between layers in float', () => {
  const model = network(16);
  const [first = '', second = '', left = '', right = '', neck = '', last = ''] = namesIn(model);

  test('stay in float where little is computed between them', () => {
    const filled = withIslands(model, new Set([first, second, neck]));
    expect(filled).toEqual(new Set([first, second, neck, left, right]));
  });

  test('are quantized where int8 spares more than handing over takes', () => {
    const wide = network(512);
    const names = namesIn(wide);
    const float = new Set([names[1] ?? '', names[4] ?? '']);
    expect(withIslands(wide, float)).toBe(float);
  });

  test('are none at the ends, and none of a single layer', () => {
    const atStart = new Set([first, second]);
    expect(withIslands(model, atStart)).toBe(atStart);
    const alone = new Set([last]);
    expect(withIslands(model, alone)).toBe(alone);
  });
});
