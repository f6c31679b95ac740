import { expect, it } from 'vitest';
import { BlockedFilters } from '../../../compression/autodiff/blocked-filters.ts';
import { seededRandom } from '../../../core/random.ts';
import { floatsOf, floatTensor, openSession } from '../../../inference/session.ts';
import { GraphBuilder } from '../../../onnx/build.ts';
import { encodeModel } from '../../../onnx/file/write.ts';

it.each([
  [8, 16, 8, 1, 1],
  [8, 8, 24, 3, 3],
  [16, 32, 16, 3, 3],
  [16, 16, 48, 5, 3],
])(
  'blocks of %i channels of [%i, %i, %i, %i], forward and turned, hold each weight where the layout says',
  async (block, out, into, height, width) => {
    const dims = [out, into, height, width];
    const builder = new GraphBuilder('filters');
    const weight = builder.input('weight', 'float32', dims);
    const filters = new BlockedFilters(builder, block);
    const [turned, forward] = [filters.turned(weight, dims), filters.forward(weight, dims)];
    builder.output(forward, 'float32', dims);
    builder.output(turned, 'float32', [into, out, height, width]);
    const session = await openSession(encodeModel(builder.build({ opset: 17, irVersion: 8 })));
    const random = seededRandom(7);
    const values = Float32Array.from({ length: out * into * height * width }, random.normal);
    const results = await session.run({ weight: floatTensor(values, dims) });
    await session.close();

    const at = (o: number, i: number, y: number, x: number): number => ((o * into + i) * height + y) * width + x;
    const expected = { forward: new Float32Array(values.length), turned: new Float32Array(values.length) };
    for (let o = 0; o < out; o++) {
      for (let i = 0; i < into; i++) {
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            const [outBlock, inBlock] = [Math.floor(o / block), Math.floor(i / block)];
            const place = y * width + x;
            const ahead = ((outBlock * (into / block) + inBlock) * height * width + place) * block ** 2;
            expected.forward[ahead + (i % block) * block + (o % block)] = values[at(o, i, y, x)]!;
            const back = ((inBlock * (out / block) + outBlock) * height * width + place) * block ** 2;
            const halfTurn = values[at(o, i, height - 1 - y, width - 1 - x)]!;
            expected.turned[back + (o % block) * block + (i % block)] = halfTurn;
          }
        }
      }
    }
    expect(floatsOf(results, forward)).toEqual(expected.forward);
    expect(floatsOf(results, turned)).toEqual(expected.turned);
  },
);
