import { describe, expect, it } from 'vitest';
import { differentiate, withRuntimeOperators } from '../../../compression/autodiff/differentiate.ts';
import { Tape } from '../../../compression/autodiff/tape.ts';
import { seededRandom } from '../../../core/random.ts';
import { floatsOf, floatTensor, openSession } from '../../../inference/session.ts';
import { GraphBuilder } from '../../../onnx/build.ts';
import { encodeModel } from '../../../onnx/file/write.ts';
import type { Model } from '../../../onnx/graph.ts';
import { inferShapes } from '../../../onnx/shapes.ts';
import { float32Tensor, uint8Tensor } from '../../../onnx/tensor.ts';

/** Gradients of sum(dy y) with respect to all inputs, and y itself. */
async function gradientsOf(
  model: Model,
  feeds: Readonly<Record<string, { data: Float32Array; dims: readonly number[] }>>,
  dy: Float32Array,
  stopGradients: ReadonlySet<string> = new Set(),
): Promise<Readonly<Record<string, Float32Array>>> {
  const { graph } = model;
  const [{ name: output } = { name: '' }] = graph.outputs;
  const tape = new Tape(graph, inferShapes(model));
  const seed = tape.constant('seed', float32Tensor(tape.shape(output), dy));
  const found = differentiate(tape, graph.nodes, new Map([[output, seed]]), Object.keys(feeds), stopGradients);
  const outputs = [output, ...found.values()].map((name) => ({ name, dtype: 'float32' as const, shape: null }));
  const { nodes, initializers } = tape;
  const backward = { ...graph, nodes, initializers, outputs };
  const opsets = withRuntimeOperators(model.opsets);
  const session = await openSession(encodeModel({ ...model, opsets, graph: backward }), {
    config: { 'session.disable_quant_qdq': '1' },
  });
  try {
    const tensors = Object.entries(feeds).map(([name, { data, dims }]) => [name, floatTensor(data, dims)] as const);
    const results = await session.run(Object.fromEntries(tensors));
    return Object.fromEntries(
      [['y', output] as const, ...found].map(([name, value]) => [name, floatsOf(results, value)]),
    );
  } finally {
    await session.close();
  }
}

describe('gradients straight through rounding', () => {
  it.each([0, 100])('of a quantized value and its scale are those of Esser 2020, zero point %i', async (zeroPoint) => {
    const count = 40;
    const builder = new GraphBuilder('fake-quantized');
    const x = builder.input('x', 'float32', [count]);
    const s = builder.input('s', 'float32', []);
    const zero = builder.constant('zero', uint8Tensor([], Uint8Array.of(zeroPoint)));
    const [q] = builder.node('QuantizeLinear', [x, s, zero]);
    const [y] = builder.node('DequantizeLinear', [q, s, zero]);
    builder.output(y, 'float32', [count]);
    const random = seededRandom(5);
    const scale = Math.fround(0.03);
    const data = Float32Array.from({ length: count }, () => 6 * random.normal());
    const dy = Float32Array.from({ length: count }, () => random.normal());
    const feeds = { x: { data, dims: [count] }, s: { data: Float32Array.of(scale), dims: [] } };
    const got = await gradientsOf(builder.build({ opset: 17, irVersion: 8 }), feeds, dy);

    const [low, high] = [-zeroPoint, 255 - zeroPoint];
    const inside = Array.from(data, (value) => value / scale > low - 0.5 && value / scale < high + 0.5);
    expect(inside.filter(Boolean).length).toBeGreaterThan(5);
    expect(inside.filter((each) => !each).length).toBeGreaterThan(5);
    expect([...got['x']!].map((each) => each + 0)).toEqual(Array.from(dy, (each, i) => (inside[i] ? each : 0)));
    // Their equation 3: -v / s + round(v / s) inside, the outermost code beyond.
    const steps = Array.from(data, (value, i) => {
      const code = value / scale;
      return inside[i] ? Math.round(code) - code : code < 0 ? low : high;
    });
    const expected = steps.reduce((sum, step, i) => sum + dy[i]! * step, 0) / Math.sqrt(count * 255);
    expect(got['s']![0]).toBeCloseTo(expected, 3);
  });

  it('x + (round(x) - x), the difference held, rounds forwards and is x backwards', async () => {
    const builder = new GraphBuilder('held');
    const x = builder.input('x', 'float32', [5]);
    const [rounded] = builder.node('Round', [x]);
    const [difference] = builder.node('Sub', [rounded, x]);
    const [y] = builder.node('Add', [x, difference]);
    builder.output(y, 'float32', [5]);
    const model = builder.build({ opset: 17, irVersion: 8 });
    const data = Float32Array.of(-3.7, -0.2, 0.4, 1.6, 63.51);
    const dy = Float32Array.of(1, -2, 3, -4, 5);
    const got = await gradientsOf(model, { x: { data, dims: [5] } }, dy, new Set([difference]));
    expect([...got['y']!].map((value) => value + 0)).toEqual([-4, 0, 0, 2, 64]);
    expect([...got['x']!]).toEqual([...dy]);
  });
});
