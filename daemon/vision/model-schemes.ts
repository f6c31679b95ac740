import { isFindingTask } from '../../inference/heads/any-head.ts';
import { type ClassScheme, classScheme, type ScoreThresholds } from './class-scheme.ts';

/** What a model says of itself. */
interface Labelled {
  /** Names of its classes; null where nobody named them. */
  readonly labels: readonly string[] | null;
  readonly task?: string | undefined;
  readonly thresholds?: ScoreThresholds | undefined;
}
type AskedClasses = Parameters<typeof classScheme>[1];

/** The classes that are counted, by the labels of each model that speaks. */
export class ModelSchemes {
  readonly #known = new WeakMap<Labelled, { readonly asked: string; readonly scheme: ClassScheme }>();

  /**
   * @param model the same object as long as the same model speaks
   * @param onUnknown told once of what is asked for and the model does not know
   */
  of(model: Labelled, classes: AskedClasses, onUnknown?: (unknown: readonly string[]) => void): ClassScheme {
    const asked = JSON.stringify(classes ?? null);
    const known = this.#known.get(model);
    if (known?.asked === asked) return known.scheme;
    const { scheme, unknown } = classScheme(model.labels ?? [], classes, beginningScores(model));
    if (unknown.length > 0) onUnknown?.(unknown);
    this.#known.set(model, { asked, scheme });
    return scheme;
  }
}

/** Those of a classifier are of the classes of an image: what is over them was a thing that moves before it was asked. */
export const beginningScores = ({ task, thresholds }: Omit<Labelled, 'labels'>): ScoreThresholds | undefined =>
  isFindingTask(task) ? thresholds : undefined;
