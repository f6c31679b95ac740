import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Range } from '../../../exporter/quantize/range.ts';
import { assignRoles } from '../../../exporter/quantize/roles.ts';
import { activationScale, planScales } from '../../../exporter/quantize/scales.ts';
import { sigmoidBounds } from '../../../exporter/quantize/sigmoid-bounds.ts';
import { NetworkBuilder } from '../networks.ts';

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const codeOf = (x: number, top: number): number => Math.min(255, Math.round(sigmoid(x) / (Math.min(top, 1) / 255)));

describe('the bounds of what a Sigmoid reads', () => {
  it('leave out only values that have the first or the last code', () => {
    const tops = fc.double({ min: 0.01, max: 1, noNaN: true });
    const beyond = fc.double({ min: 1e-3, max: 200, noNaN: true });
    fc.assert(
      fc.property(tops, beyond, (top, further) => {
        const { min, max } = sigmoidBounds(top, false);
        expect(codeOf(min - further, top)).toBe(0);
        expect(codeOf(max + further, top)).toBe(255);
      }),
    );
  });

  it('leave in every value that has another', () => {
    const { min, max } = sigmoidBounds(1, false);
    expect(codeOf(min + 1e-3, 1)).toBe(1);
    expect(codeOf(max - 1e-3, 1)).toBe(254);
  });
});

/** Two convolutions with SiLU between them; `read` may have more read what the Sigmoid reads. */
function scaleOfInput(read: (b: NetworkBuilder, value: string) => string, range: Range) {
  const b = new NetworkBuilder('silu');
  const image = b.input('image', 'float32', ['N', 3, 8, 8]);
  const x = b.convolution(image, 3, 4);
  const next = b.convolution(read(b, x), 4, 4);
  const [pooled] = b.node('GlobalAveragePool', [next]);
  const [scores] = b.node('Flatten', [pooled], {}, { outputs: ['scores'] });
  b.output(scores, 'float32', ['N', 4]);
  const { graph } = b.build({ opset: 13, irVersion: 7 });
  const plan = planScales(graph, assignRoles(graph));
  const gates = new Set(graph.nodes.filter(({ opType }) => opType === 'Sigmoid').flatMap(({ outputs }) => outputs));
  const ranges = new Map(plan.values.map((value) => [value, gates.has(value) ? { min: 0, max: 1 } : range]));
  return plan.scales(ranges).get(x);
}

const silu = (b: NetworkBuilder, x: string): string => {
  const [gate] = b.node('Sigmoid', [x]);
  return b.node('Mul', [x, gate])[0] ?? '';
};

describe('the range of what SiLU reads', () => {
  const range = { min: -120, max: 10 };

  it('ends where the product becomes 0, and keeps its upper end', () => {
    expect(scaleOfInput(silu, range)).toEqual(activationScale({ min: -Math.log(509), max: 10 }));
  });

  it('ends on both sides where only a gate reads it', () => {
    const bound = Math.log(509);
    const gate = scaleOfInput((b, x) => b.node('Sigmoid', [x])[0] ?? '', range);
    expect(gate?.scale).toBeCloseTo(activationScale({ min: -bound, max: bound }).scale, 6);
  });

  it('is empty at worst, never upside down, where a gate is always open', () => {
    const open = scaleOfInput((b, x) => b.node('Sigmoid', [x])[0] ?? '', { min: 7, max: 12 });
    expect(open).toEqual(activationScale({ min: 0, max: Math.log(509) }));
  });

  it('stays whole where another node reads the value too', () => {
    const both = (b: NetworkBuilder, x: string): string => b.node('Add', [silu(b, x), x])[0] ?? '';
    expect(scaleOfInput(both, range)).toEqual(activationScale(range));
  });
});
