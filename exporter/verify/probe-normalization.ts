import type { Dataset } from '../../calibration/dataset.ts';
import { spreadPositions } from '../../calibration/datasets/positions.ts';
import { evaluate } from '../../calibration/evaluate.ts';
import { NORMALIZATIONS, parseNormalization } from '../../inference/normalization.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import type { Session } from '../../inference/session.ts';
import { binomialTail } from './doubts.ts';

/** From here on a model is taken to be fed as it was trained. */
const GOOD = 0.7;

const IMAGES = 32;

/** What `--normalize` takes: the named ones, -1 to 1, and bytes as they are. */
const TRIED = [
  ...Object.keys(NORMALIZATIONS),
  '0.5,0.5,0.5/0.5,0.5,0.5',
  '0,0,0/0.003921568627,0.003921568627,0.003921568627',
];

/** Chance of naming a normalisation that is no better, over all that are tried. */
const ERROR = 0.01;

/**
 * Tries other known normalisations on a few labelled images where a float model answers badly. One is named when the images that it alone gets
 * right outnumber those that it alone gets wrong by more than chance (the sign test of McNemar, corrected for the number of tries).
 *
 * @param top1 as measured with the present preprocessing
 * @returns what is to be said; undefined where none is better
 */
export async function probeNormalization(
  session: Session,
  dataset: Dataset,
  preprocessing: Preprocessing,
  top1: number,
  signal?: AbortSignal,
): Promise<string | undefined> {
  if (top1 >= GOOD || dataset.size === 0) return undefined;
  const indices = spreadPositions(dataset.size, IMAGES) ?? Array.from({ length: dataset.size }, (_, i) => i);
  const rightWith = async (tried: Preprocessing): Promise<readonly boolean[]> => {
    const right: boolean[] = [];
    const onOutcome = ({ label, predicted }: { label: number; predicted: number }) => right.push(label === predicted);
    await evaluate(session, dataset, { preprocessing: tried, indices, onOutcome, signal });
    return right;
  };
  const now = await rightWith(preprocessing);
  let best: { readonly name: string; readonly right: number } | undefined;
  for (const name of TRIED) {
    const { mean, std, channels = 'RGB' } = parseNormalization(name);
    const other = await rightWith({ ...preprocessing, mean: [...mean], std: [...std], channels });
    const gained = other.filter((is, i) => is && now[i] !== true).length;
    const lost = other.filter((is, i) => !is && now[i] === true).length;
    const right = other.filter(Boolean).length;
    if (binomialTail(gained + lost, gained, 0.5) < ERROR / TRIED.length && right > (best?.right ?? 0))
      best = { name, right };
  }
  if (best === undefined) return undefined;
  return `the normalisation is probably wrong: with --normalize ${best.name} the float model gets ${best.right} of ${now.length} images right, now ${now.filter(Boolean).length}`;
}
