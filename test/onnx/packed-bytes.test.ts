import { describe, expect, it } from 'vitest';
import { openSession } from '../../inference/session.ts';
import { string } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import { packedBytes } from '../../onnx/file/packed-bytes.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import type { Model } from '../../onnx/graph.ts';
import { uint8Tensor } from '../../onnx/tensor.ts';
import { indexGraph } from '../../onnx/topology.ts';

const VALUES = Uint8Array.of(200, 129, 7, 255);

/** Bytes shifted by two distances at once, `[1, 4]` against `[2, 1]`. */
function shifted(direction: 'LEFT' | 'RIGHT', by: readonly [number, number]): Model {
  const builder = new GraphBuilder('shifts');
  const packed = builder.shared(uint8Tensor([1, 4], VALUES));
  const distances = builder.shared(uint8Tensor([2, 1], Uint8Array.from(by)));
  builder.node('BitShift', [packed, distances], { direction: string(direction) }, { outputs: ['y'] });
  builder.output('y', 'uint8', [2, 4]);
  return builder.build({ opset: 18, irVersion: 8 });
}

const unpacked = ({ graph }: Model): number[] => [...(packedBytes(graph, indexGraph(graph), 'y') ?? [])];

describe('bytes that a file keeps packed', () => {
  it.each(['LEFT', 'RIGHT'] as const)(
    'are shifted to the %s as ONNX Runtime does it, bits beyond the byte gone',
    async (to) => {
      const model = shifted(to, [1, 7]);
      const session = await openSession(encodeModel(model));
      const { y } = await session.run({});
      await session.close();
      expect(unpacked(model)).toEqual([...(y!.data as Uint8Array)]);
    },
  );

  it('have nothing left when they are shifted by more than they hold', () => {
    expect(unpacked(shifted('LEFT', [8, 32]))).toEqual(new Array(8).fill(0));
    expect(unpacked(shifted('RIGHT', [9, 40]))).toEqual(new Array(8).fill(0));
  });
});
