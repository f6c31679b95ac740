import { describe, expect, it } from 'vitest';
import { PREPROCESSING, streetNet } from '../../../demo/classifier/network.ts';
import { CLASSES } from '../../../demo/scene/types.ts';
import { floatsOf, floatTensor, openSession } from '../../../inference/session.ts';
import { encodeModel } from '../../../onnx/file/write.ts';

describe('the network of the demonstration', () => {
  it('gives one score a class for images of its size', async () => {
    const [height, width] = PREPROCESSING.size;
    const session = await openSession(encodeModel(streetNet(1)));
    const images = floatTensor(new Float32Array(2 * 3 * height * width).fill(0.5), [2, 3, height, width]);
    const scores = floatsOf(await session.run({ [session.input.name]: images }), session.output.name);
    await session.close();
    expect(scores).toHaveLength(2 * CLASSES.length);
    expect([...scores].every(Number.isFinite)).toBe(true);
  });

  it('starts from its seed', () => {
    const bytes = Buffer.from(encodeModel(streetNet(1)));
    expect(bytes.equals(encodeModel(streetNet(1)))).toBe(true);
    expect(bytes.equals(encodeModel(streetNet(2)))).toBe(false);
  });
});
