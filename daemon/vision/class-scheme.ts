import type { Detection } from '../../inference/heads/detection.ts';
import { intersectionOverUnion } from '../../inference/heads/detection.ts';

/** Which classes are counted, and which of the model's belong to each. */
export interface ClassScheme {
  readonly classes: readonly string[];
  /** By class of the model: the class counted, undefined for one that is not. */
  readonly counted: readonly (number | undefined)[];
}

/** Road users by the names that models have for them. */
const ROAD_USERS: Readonly<Record<string, readonly string[]>> = {
  pedestrian: ['pedestrian', 'person'],
  bicycle: ['bicycle', 'cyclist'],
  motorcycle: ['motorcycle', 'motorbike'],
  car: ['car'],
  bus: ['bus'],
  truck: ['truck'],
};

/**
 * @param labels of the model's classes
 * @param asked classes to count with the model's classes that belong to each; without them road users, and every class of a model that knows none
 * @returns the scheme, and what was asked for and the model does not know
 */
export function classScheme(
  labels: readonly string[],
  asked?: Readonly<Record<string, readonly string[]>>,
): { readonly scheme: ClassScheme; readonly unknown: readonly string[] } {
  const known = Object.entries(ROAD_USERS).filter(([, names]) => names.some((name) => labels.includes(name)));
  const wanted = Object.entries(
    asked ??
      (known.length > 0 ? Object.fromEntries(known) : Object.fromEntries(labels.map((label) => [label, [label]]))),
  );
  return {
    scheme: {
      classes: wanted.map(([name]) => name),
      counted: labels.map((label) => {
        const at = wanted.findIndex(([, names]) => names.includes(label));
        return at < 0 ? undefined : at;
      }),
    },
    unknown: asked === undefined ? [] : wanted.flatMap(([, names]) => names.filter((name) => !labels.includes(name))),
  };
}

/** Two classes on one box are one object whose class is in doubt; two objects of two classes hardly ever cover each other so well. */
const SAME_OBJECT = 0.7;

/** Detections of what is counted, in the scheme's classes, each object once. */
export function countedDetections(detections: readonly Detection[], { counted }: ClassScheme): Detection[] {
  const kept: Detection[] = [];
  for (const each of detections.toSorted((a, b) => b.score - a.score)) {
    const classIndex = counted[each.classIndex];
    if (classIndex === undefined) continue;
    if (kept.some(({ box }) => intersectionOverUnion(box, each.box) > SAME_OBJECT)) continue;
    kept.push({ ...each, classIndex });
  }
  return kept;
}
