import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Node } from '../../onnx/graph.ts';
import { indexGraph, topologicalOrder, valuesRead } from '../../onnx/topology.ts';
import { resnet } from './support/resnet.ts';
import { variety } from './support/variety.ts';

const node = (name: string, inputs: readonly string[], outputs: readonly string[] = [name]): Node => ({
  name,
  opType: 'Sum',
  domain: '',
  inputs,
  outputs,
  attributes: {},
});

/** Nodes v0, v1, ... that read only earlier ones, and the same nodes shuffled. */
const shuffledGraphs = fc
  .array(fc.array(fc.nat(), { maxLength: 4 }), { minLength: 1, maxLength: 30 })
  .map((reads) => reads.map((from, i) => node(`v${i}`, i === 0 ? ['x'] : from.map((n) => `v${n % i}`))))
  .chain((nodes) => fc.tuple(fc.constant(nodes), fc.shuffledSubarray(nodes, { minLength: nodes.length })));

describe('topological order', () => {
  it('puts every node after what it reads, and loses none', () => {
    fc.assert(
      fc.property(shuffledGraphs, ([nodes, shuffled]) => {
        const order = topologicalOrder(shuffled, new Set(['x']));
        expect(new Set(order)).toEqual(new Set(nodes));
        const made = new Set(['x']);
        for (const each of order) {
          for (const value of valuesRead(each)) expect(made).toContain(value);
          for (const output of each.outputs) made.add(output);
        }
      }),
    );
  });

  it('leaves nodes alone that are in order, even where others would do', () => {
    fc.assert(
      fc.property(shuffledGraphs, ([nodes]) => {
        expect(topologicalOrder(nodes, new Set(['x']))).toBe(nodes);
      }),
    );
  });

  it('refuses a cycle and names a node of it', () => {
    const nodes = [node('a', ['x']), node('b', ['a', 'd']), node('c', ['b']), node('d', ['c'])];
    expect(() => topologicalOrder(nodes, new Set(['x']))).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringMatching(/cycle through node b/) }),
    );
  });

  it('refuses a value that nobody makes', () => {
    expect(() => topologicalOrder([node('a', ['z'])], new Set(['x']))).toThrow(/a reads z/);
  });

  it('takes a hundred thousand nodes in reverse', () => {
    const nodes = Array.from({ length: 100_000 }, (_, i) => node(`v${i + 1}`, [`v${i}`])).reverse();
    expect(topologicalOrder(nodes, new Set(['v0']))[0]?.name).toBe('v1');
  });
});

describe('the index of a graph', () => {
  const { graph } = resnet(1);
  const index = indexGraph(graph);

  it('knows who makes and who reads a value', () => {
    for (const each of graph.nodes) {
      for (const output of each.outputs) expect(index.producer(output)).toBe(each);
      for (const input of valuesRead(each)) expect(index.consumers(input)).toContain(each);
    }
    expect(index.consumers('scores')).toEqual([]);
  });

  it('tells inputs, outputs and initializers apart', () => {
    expect([index.isInput('image'), index.isOutput('scores'), index.isInitializer('stem.weight')]).toEqual([
      true,
      true,
      true,
    ]);
    expect([index.isInput('scores'), index.isOutput('image'), index.isInitializer('image')]).toEqual([
      false,
      false,
      false,
    ]);
    expect(index.producer('image')).toBeUndefined();
  });

  it('counts what a subgraph reads from around it', () => {
    const consumers = indexGraph(variety().graph).consumers('x');
    expect(consumers.map(({ opType }) => opType)).toContain('If');
  });

  it('lists a node once that reads a value twice', () => {
    const twice = { ...graph, nodes: [node('a', ['image', 'image'])] };
    expect(indexGraph(twice).consumers('image')).toHaveLength(1);
  });
});
