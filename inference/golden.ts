import { WaysideError } from '../core/errors.ts';
import { GOLDEN_TOLERANCE, type GoldenSample } from './golden-sample.ts';
import { type RgbImage, WHOLE_FRAME } from './image.ts';
import { createPreprocessor, inputLength, type Preprocessing } from './preprocess.ts';
import { argMax } from './scores.ts';
import { floatsOf, floatTensor, type Session } from './session.ts';

function spreadOf(scores: Float32Array): number {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const score of scores) {
    low = Math.min(low, score);
    high = Math.max(high, score);
  }
  return high - low;
}

/** How far the best score is above the second, as a share of the spread. */
function marginOf(scores: Float32Array): number {
  const best = argMax(scores);
  let second = Number.NEGATIVE_INFINITY;
  scores.forEach((score, index) => {
    if (index !== best) second = Math.max(second, score);
  });
  const spread = spreadOf(scores);
  return spread > 0 ? (scores[best]! - second) / spread : 0;
}

/** Runs single images as the box does: preprocessed by the common function, one at a time. */
function runner(session: Session, preprocessing: Preprocessing): (image: RgbImage) => Promise<Float32Array> {
  const { input, output } = session;
  const preprocess = createPreprocessor(preprocessing);
  const rows = typeof input.shape[0] === 'number' ? input.shape[0] : 1;
  const data = new Float32Array(rows * inputLength(preprocessing));
  const tensor = floatTensor(data, [rows, 3, ...preprocessing.size]);
  return async (image) => {
    preprocess(image, WHOLE_FRAME, data, 0);
    const scores = floatsOf(await session.run({ [input.name]: tensor }, { outputs: [output.name] }), output.name);
    return scores.slice(0, scores.length / rows);
  };
}

/**
 * Records up to `count` samples from candidate images. Those whose best score stands clear of the second by more than
 * twice the tolerance are preferred, so that an equal answer can be demanded of every processor; of these, one a class
 * before a second of any.
 *
 * @throws {WaysideError} SESSION_RUN, PREPROCESS_MISMATCH
 */
export async function recordGolden(
  session: Session,
  preprocessing: Preprocessing,
  candidates: Iterable<RgbImage> | AsyncIterable<RgbImage>,
  { count = 8, tolerance = GOLDEN_TOLERANCE }: { readonly count?: number; readonly tolerance?: number } = {},
): Promise<GoldenSample[]> {
  const run = runner(session, preprocessing);
  const found: { sample: GoldenSample; clear: boolean; answer: number }[] = [];
  for await (const image of candidates) {
    const scores = await run(image);
    found.push({ sample: { image, scores }, clear: marginOf(scores) > 2 * tolerance, answer: argMax(scores) });
  }
  const seen = new Set<number>();
  const rank = found.map((entry) => {
    const repeated = seen.has(entry.answer);
    if (entry.clear) seen.add(entry.answer);
    return { entry, order: entry.clear ? (repeated ? 1 : 0) : 2 };
  });
  rank.sort((a, b) => a.order - b.order);
  return rank.slice(0, count).map(({ entry }) => entry.sample);
}

/**
 * Checks that a session reproduces the samples: every score within the tolerance, and the same answer wherever the
 * recorded one stands clear of the second by more than twice that.
 *
 * @returns the largest difference seen, as a share of its sample's spread
 * @throws {WaysideError} GOLDEN_MISMATCH, SESSION_RUN
 */
export async function verifyGolden(
  session: Session,
  preprocessing: Preprocessing,
  samples: readonly GoldenSample[],
  tolerance = GOLDEN_TOLERANCE,
): Promise<number> {
  const run = runner(session, preprocessing);
  let worst = 0;
  for (const [index, { image, scores: expected }] of samples.entries()) {
    const got = await run(image);
    if (got.length !== expected.length) throw differs(index, `${expected.length} scores`, `${got.length}`);
    const spread = spreadOf(expected);
    let difference = 0;
    // Written so that a score that is not a number counts as a difference.
    for (let i = 0; i < got.length; i++) {
      const distance = Math.abs(got[i]! - expected[i]!);
      if (!(distance <= difference)) difference = Number.isNaN(distance) ? Number.POSITIVE_INFINITY : distance;
    }
    const relative = difference === 0 ? 0 : difference / spread;
    if (!(relative <= tolerance)) {
      throw differs(index, `scores within ${tolerance} of their spread`, relative.toPrecision(3));
    }
    if (marginOf(expected) > 2 * tolerance && argMax(got) !== argMax(expected)) {
      throw differs(index, `class ${argMax(expected)}`, `class ${argMax(got)}`);
    }
    worst = Math.max(worst, relative);
  }
  return worst;
}

const differs = (index: number, expected: string, got: string): WaysideError =>
  new WaysideError('GOLDEN_MISMATCH', {
    message: `golden sample ${index}: expected ${expected}, got ${got}`,
    hint: 'this processor does not compute what the model was measured with: use a package made for this target',
  });
