import { describe, expect, test } from 'vitest';
import type { Precisions } from '../../../exporter/quantize/precision.ts';
import { withDistanceHeld } from '../../../exporter/search/hold-distance.ts';
import type { Model } from '../../../onnx/graph.ts';
import { NetworkBuilder } from '../networks.ts';

const CHANNELS = 256;

/** Convolutions one after the other, of so many products that int8 between two in float would pay. */
function chain(count: number): Model {
  const b = new NetworkBuilder('chain');
  let x = b.input('image', 'float32', ['N', CHANNELS, 16, 16]);
  for (let i = 0; i < count; i++) x = b.convolution(x, CHANNELS, CHANNELS, { kernel: 1 });
  const [y] = b.node('Identity', [x], {}, { outputs: ['y'] });
  b.output(y, 'float32', null);
  return b.build({ opset: 13, irVersion: 7 });
}

const names = (model: Model): string[] =>
  model.graph.nodes.filter(({ opType }) => opType === 'Conv').map(({ name }) => name);

const model = chain(6);
const layers = names(model);
const int8: Precisions = new Map(layers.map((name) => [name, 'int8']));
const inFloat = (precisions: Precisions): string[] =>
  [...precisions].flatMap(([name, width]) => (width === 'float' ? [name] : []));

/** Errors that add up as squares. */
const adding = (errors: ReadonlyMap<string, number>) => (precisions: Precisions) =>
  Promise.resolve(
    Math.sqrt(
      [...precisions].reduce((sum, [name, width]) => sum + (width === 'float' ? 0 : (errors.get(name) ?? 0) ** 2), 0),
    ),
  );

const held = (
  errors: ReadonlyMap<string, number>,
  most: number,
  { weights = new Map(layers.map((name) => [name, 1000])), given = int8 } = {},
): Promise<Precisions> =>
  withDistanceHeld(model, given, {
    most,
    distanceWith: adding(errors),
    alone: () => Promise.resolve(errors),
    weights,
  });

describe('the distance of all layers together', () => {
  test('is held by the fewest layers in float, where each alone would be tolerated', async () => {
    const errors = new Map(layers.map((name, i) => [name, 0.01 * (i + 1)]));
    const precisions = await held(errors, 0.04);
    expect(inFloat(precisions)).toEqual(layers.slice(3));
    expect(await adding(errors)(precisions)).toBeLessThanOrEqual(0.04);
    expect(await adding(errors)(new Map([...precisions, [layers[3] ?? '', 'int8']]))).toBeGreaterThan(0.04);
  });

  test('leaves what holds it as it is, and asks about no layer', async () => {
    const precisions = await withDistanceHeld(model, int8, {
      most: 0.1,
      distanceWith: () => Promise.resolve(0.1),
      alone: () => Promise.reject(new Error('asked about a layer')),
      weights: new Map(),
    });
    expect(precisions).toBe(int8);
  });

  test('is held by small layers rather than by large ones that err as much', async () => {
    const errors = new Map(layers.map((name) => [name, 0.02]));
    const weights = new Map(layers.map((name, i) => [name, i % 2 === 0 ? 100_000 : 100]));
    expect(inFloat(await held(errors, 0.035, { weights }))).toEqual([layers[1], layers[3], layers[5]]);
  });

  test('puts layers first that overflow, and keeps in float what the plan has there', async () => {
    const errors = new Map(layers.map((name, i) => [name, i === 2 ? Number.NaN : 0.01]));
    const given: Precisions = new Map([...int8, [layers[5] ?? '', 'float']]);
    expect(inFloat(await held(errors, 0.02, { given }))).toEqual([layers[2], layers[5]]);
  });

  test('is held by all in float where nothing less does', async () => {
    const precisions = await withDistanceHeld(model, int8, {
      most: 0.1,
      distanceWith: () => Promise.resolve(1),
      alone: () => Promise.resolve(new Map()),
      weights: new Map(),
    });
    expect(inFloat(precisions)).toEqual(layers);
  });
});
