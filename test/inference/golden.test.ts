import { describe, expect, it } from 'vitest';
import { recordGolden, verifyGolden } from '../../inference/golden.ts';
import { openSession, type Session } from '../../inference/session.ts';
import type { Dimension } from '../../onnx/graph.ts';
import { COLOUR_PREPROCESSING, colourClassifierBytes, colourImage } from '../support/colour-classifier.ts';

const images = [1, 2, 3].flatMap((seed) => ([0, 1, 2] as const).map((colour) => colourImage(colour, { seed })));

async function withModel<T>(
  options: { batch?: Dimension; gain?: number },
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await openSession(colourClassifierBytes(options));
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}

const record = (count?: number) =>
  withModel({}, (session) => recordGolden(session, COLOUR_PREPROCESSING, images, count === undefined ? {} : { count }));

describe('golden samples', () => {
  it('are reproduced by the model they were recorded from, also where its batch is fixed', async () => {
    const samples = await record();
    expect(samples).toHaveLength(8);
    for (const batch of ['N', 1, 4]) {
      expect(await withModel({ batch }, (session) => verifyGolden(session, COLOUR_PREPROCESSING, samples))).toBe(0);
    }
  });

  it('show one class each before a second of any', async () => {
    const answers = (await record(3)).map(({ scores }) => scores.indexOf(Math.max(...scores)));
    expect(new Set(answers)).toEqual(new Set([0, 1, 2]));
  });

  it('prefer images whose answer stands clear', async () => {
    const unclear = { width: 8, height: 8, data: new Uint8Array(192).map((_, i) => [200, 195, 0][i % 3] ?? 0) };
    const clear = colourImage(2);
    const [first] = await withModel({}, (session) =>
      recordGolden(session, COLOUR_PREPROCESSING, [unclear, clear], { count: 1 }),
    );
    expect(first?.image).toBe(clear);
  });

  it('tell a model apart whose scores moved beyond the tolerance, and let pass what moved less', async () => {
    const samples = await record();
    const verify = (gain: number) =>
      withModel({ gain }, (session) => verifyGolden(session, COLOUR_PREPROCESSING, samples));
    expect(await verify(10.2)).toBeCloseTo(0.02, 2);
    await expect(verify(11)).rejects.toMatchObject({ code: 'GOLDEN_MISMATCH' });
  });

  it('notice pixels that are prepared in another way', async () => {
    const samples = await record();
    const preprocessing = { ...COLOUR_PREPROCESSING, channels: 'BGR' } as const;
    await expect(withModel({}, (session) => verifyGolden(session, preprocessing, samples))).rejects.toMatchObject({
      code: 'GOLDEN_MISMATCH',
    });
  });

  it('take a score that is not a number for a difference', async () => {
    const [sample] = await record(1);
    const broken = { image: sample!.image, scores: Float32Array.of(Number.NaN, 0, 1) };
    await expect(
      withModel({}, (session) => verifyGolden(session, COLOUR_PREPROCESSING, [broken])),
    ).rejects.toMatchObject({
      code: 'GOLDEN_MISMATCH',
    });
  });
});
