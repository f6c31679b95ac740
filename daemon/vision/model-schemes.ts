import { type ClassScheme, classScheme } from './class-scheme.ts';

/** Names of a model's classes; null where nobody named them. */
interface Labelled {
  readonly labels: readonly string[] | null;
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
    const { scheme, unknown } = classScheme(model.labels ?? [], classes);
    if (unknown.length > 0) onUnknown?.(unknown);
    this.#known.set(model, { asked, scheme });
    return scheme;
  }
}
