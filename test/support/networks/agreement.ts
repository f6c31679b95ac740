import { type RgbImage, WHOLE_FRAME } from '../../../inference/image.ts';
import { createPreprocessor, inputLength, type Preprocessing } from '../../../inference/preprocess.ts';
import { floatsOf, floatTensor, openSession } from '../../../inference/session.ts';

/** Scores of a model for images, one run each, as the first of a fixed batch: `[images][classes]`. */
export async function scoresOf(
  model: string | Uint8Array,
  images: readonly RgbImage[],
  preprocessing: Preprocessing,
): Promise<Float32Array[]> {
  const session = await openSession(model);
  try {
    const preprocess = createPreprocessor(preprocessing);
    const [batch] = session.input.shape;
    const rows = typeof batch === 'number' ? batch : 1;
    const data = new Float32Array(rows * inputLength(preprocessing));
    const dims = [rows, 3, ...preprocessing.size];
    const scores: Float32Array[] = [];
    for (const image of images) {
      preprocess(image, WHOLE_FRAME, data, 0);
      const results = await session.run({ [session.input.name]: floatTensor(data, dims) });
      const all = floatsOf(results, session.output.name);
      scores.push(all.slice(0, all.length / rows));
    }
    return scores;
  } finally {
    await session.close();
  }
}

/** Largest difference of a score, as a share of the largest score. */
export function relativeDifference(expected: readonly Float32Array[], got: readonly Float32Array[]): number {
  let [most, largest] = [0, 0];
  expected.forEach((scores, i) => {
    scores.forEach((score, c) => {
      most = Math.max(most, Math.abs(score - (got[i]?.[c] ?? Number.NaN)));
      largest = Math.max(largest, Math.abs(score));
    });
  });
  return most / largest;
}

/**
 * Correlation of what the scores say about an image: of each class's score less its mean over all images. A random
 * network answers mostly alike whatever it sees, so that plain scores would agree even where nothing was kept.
 */
export function agreement(expected: readonly Float32Array[], got: readonly Float32Array[]): number {
  const [a, b] = [centred(expected), centred(got)];
  const dot = (p: readonly number[], q: readonly number[]): number =>
    p.reduce((sum, value, i) => sum + value * q[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

function centred(scores: readonly Float32Array[]): number[] {
  const classes = scores[0]?.length ?? 0;
  const means = Array.from(
    { length: classes },
    (_, c) => scores.reduce((sum, row) => sum + row[c]!, 0) / scores.length,
  );
  return scores.flatMap((row) => Array.from(row, (value, c) => value - means[c]!));
}
