import { type Interval, mapped, pairedCounts, pairedDifference } from '../../core/intervals.ts';

/** What a model answered, image by image, in the order of the data set. */
export interface LabelledPredictions {
  readonly labels: readonly number[];
  readonly predicted: readonly number[];
}

/** Images of class `label` that were answered with class `as`. */
export interface Confused {
  readonly label: number;
  readonly as: number;
  readonly before: number;
  readonly after: number;
}

export interface ClassChange {
  readonly label: number;
  readonly images: number;
  /** Right answers. */
  readonly before: number;
  readonly after: number;
  /** Images that one of the two models alone answered rightly: all that varies in the difference (McNemar). */
  readonly differing: number;
  /** Wrong answers that grew more frequent, most first. */
  readonly grown: readonly Confused[];
}

interface PredictionChanges {
  readonly images: number;
  /** Right before, wrong now; and the other way round. */
  readonly lost: number;
  readonly won: number;
  /** Images answered otherwise than before, rightly or not. */
  readonly changed: number;
  /** Classes that occur, by their index. */
  readonly classes: readonly ClassChange[];
  /** Of all classes, most grown first. */
  readonly grown: readonly Confused[];
}

export interface AccuracyChange extends Interval {
  readonly points: number;
}

/** What a model loses or wins in top-1, in points, and what chance leaves open of that. */
export function accuracyChange(before: LabelledPredictions, after: LabelledPredictions): AccuracyChange {
  const rights = ({ labels, predicted }: LabelledPredictions): boolean[] =>
    labels.map((label, i) => predicted[i] === label);
  const counts = pairedCounts(rights(before), rights(after));
  const inPoints = mapped(pairedDifference(counts), (share) => 100 * share);
  return { points: (100 * (counts.won - counts.lost)) / Math.max(1, counts.total), ...inPoints };
}

/** Compares the answers of two models to the same images. */
export function predictionChanges(before: LabelledPredictions, after: LabelledPredictions): PredictionChanges {
  const { labels } = before;
  const confused = new Map<string, { label: number; as: number; before: number; after: number }>();
  const classes = new Map<number, { images: number; before: number; after: number; differing: number }>();
  const wrong = (label: number, as: number, when: 'before' | 'after'): void => {
    const key = `${label} ${as}`;
    const counts = confused.get(key) ?? { label, as, before: 0, after: 0 };
    counts[when]++;
    confused.set(key, counts);
  };
  let [lost, won, changed] = [0, 0, 0];
  for (const [i, label] of labels.entries()) {
    const [was, is] = [before.predicted[i]!, after.predicted[i]!];
    const own = classes.get(label) ?? { images: 0, before: 0, after: 0, differing: 0 };
    classes.set(label, own);
    own.images++;
    if (was === label) own.before++;
    else wrong(label, was, 'before');
    if (is === label) own.after++;
    else wrong(label, is, 'after');
    if (was !== is) changed++;
    if ((was === label) === (is === label)) continue;
    own.differing++;
    if (was === label) lost++;
    else won++;
  }
  const grown = [...confused.values()]
    .filter((each) => each.after > each.before)
    .sort((a, b) => b.after - b.before - (a.after - a.before) || a.label - b.label || a.as - b.as);
  return {
    images: labels.length,
    lost,
    won,
    changed,
    classes: [...classes]
      .sort(([a], [b]) => a - b)
      .map(([label, counts]) => ({ label, ...counts, grown: grown.filter((each) => each.label === label) })),
    grown,
  };
}
