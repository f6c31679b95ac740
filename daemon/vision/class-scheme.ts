import type { Detection } from '../../inference/heads/detection.ts';
import { intersectionOverUnion } from '../../inference/heads/detection.ts';
import type { Box } from '../../inference/image.ts';

/** Which classes are counted, and which of the model's belong to each. */
export interface ClassScheme {
  readonly classes: readonly string[];
  /** By class of the model: the class counted, undefined for one that is not. */
  readonly counted: readonly (number | undefined)[];
  /** The class counted of objects that are there and of no known class; undefined where these are not counted. */
  readonly unknown: number | undefined;
  /** Of the classes counted: those of persons, and those that persons ride on. */
  readonly persons: readonly number[];
  readonly cycles: readonly number[];
  /** By class of the model: the score from which on a detection begins a track; undefined where the model does not say. */
  readonly begins: readonly number[] | undefined;
}

/** Scores from which on a model's detections are believed. */
export interface ScoreThresholds {
  readonly score: number;
  /** Of single classes, by their names. */
  readonly classes?: Readonly<Record<string, number>> | undefined;
}

/** As in the German TLS 8+1: what passed and could not be told. */
const UNKNOWN = 'unknown';

/**
 * What moves over a line without being a vehicle, or goes with a person: animals, things carried or played with. All else that a
 * general detector calls an object on a street is one that it mistakes: seen from above, YOLOX takes cars for telephones, by 0.9.
 */
const NO_VEHICLES = new Set(
  (
    'bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,handbag,tie,suitcase,frisbee,skis,snowboard,' +
    'sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,tennis racket'
  ).split(','),
);

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
 * @param thresholds of the model's package, where it is one that finds objects
 * @returns the scheme, and what was asked for and the model does not know
 */
export function classScheme(
  labels: readonly string[],
  asked?: Readonly<Record<string, readonly string[]>>,
  thresholds?: ScoreThresholds,
): { readonly scheme: ClassScheme; readonly unknown: readonly string[] } {
  const known = Object.entries(ROAD_USERS).filter(([, names]) => names.some((name) => labels.includes(name)));
  const ofRoad = asked === undefined && known.length > 0;
  const every = labels.map((label): [string, readonly string[]] => [label, [label]]);
  const wanted = asked === undefined ? (ofRoad ? known : every) : Object.entries(asked);
  const classes = wanted.map(([name]) => name);
  const unknown = ofRoad ? classes.length : undefined;
  return {
    scheme: {
      classes: ofRoad ? [...classes, UNKNOWN] : classes,
      counted: labels.map((label) => {
        const at = wanted.findIndex(([, names]) => names.includes(label));
        return at >= 0 ? at : NO_VEHICLES.has(label) ? undefined : unknown;
      }),
      unknown,
      persons: holding(wanted, ['pedestrian', 'person']),
      cycles: holding(wanted, ['bicycle', 'motorcycle', 'motorbike']),
      begins: thresholds && labels.map((label) => thresholds.classes?.[label] ?? thresholds.score),
    },
    unknown: asked === undefined ? [] : wanted.flatMap(([, names]) => names.filter((name) => !labels.includes(name))),
  };
}

const holding = (wanted: readonly (readonly [string, readonly string[]])[], names: readonly string[]): number[] =>
  wanted.flatMap(([, members], i) => (members.some((member) => names.includes(member)) ? [i] : []));

/** A detection in the scheme's classes. */
interface CountedDetection extends Detection {
  /** How much it says of the class, 0 to 1; `score` says that there is an object. */
  readonly vote: number;
  /** Whether one of the detections of the object is such that it begins a track; undefined where the model does not say. */
  readonly begins: boolean | undefined;
}

/** Two classes on one box are one object whose class is in doubt; two objects of two classes hardly ever cover each other so well. */
const SAME_OBJECT = 0.7;
/** What lies inside a road user by more than this is a part of it. */
const PART = 0.5;
/** Less than any vote for a class: an object is of no known class only where nothing speaks for one. */
const NO_VOTE = 1e-6;

/**
 * Detections of what is counted, in the scheme's classes, each object once. The box and score of an object are those of its strongest
 * detection, whatever its class; the class is the strongest among those that are counted.
 */
export function countedDetections(detections: readonly Detection[], scheme: ClassScheme): CountedDetection[] {
  const { counted, unknown, begins: least } = scheme;
  const objects: CountedDetection[] = [];
  for (const each of detections.toSorted((a, b) => b.score - a.score)) {
    const classIndex = counted[each.classIndex];
    if (classIndex === undefined) continue;
    const vote = classIndex === unknown ? NO_VOTE : each.score;
    const begins = least && each.score >= (least[each.classIndex] ?? 1);
    const at = objects.findIndex(({ box }) => intersectionOverUnion(box, each.box) > SAME_OBJECT);
    const same = objects[at];
    if (same === undefined) {
      objects.push({ ...each, classIndex, vote, begins });
      continue;
    }
    const known = same.vote < vote && same.classIndex === unknown ? { ...same, classIndex, vote } : same;
    objects[at] = { ...known, begins: begins || same.begins };
  }
  const known = withRiders(
    objects.filter((object) => object.classIndex !== unknown),
    scheme,
  );
  const others = objects.filter(
    (object) => object.classIndex === unknown && !known.some(({ box }) => shareInside(object.box, box) > PART),
  );
  return [...known, ...others];
}

/**
 * A person on a bicycle or motorcycle is one object with it, of its class, by the box around both. Detectors see the person in every frame and
 * the bicycle in some: the vote is as strong as the surer of both, so that it holds in the frames between.
 */
function withRiders(objects: readonly CountedDetection[], { persons, cycles }: ClassScheme): CountedDetection[] {
  const riders = new Map<CountedDetection, CountedDetection>();
  for (const cycle of objects.filter(({ classIndex }) => cycles.includes(classIndex))) {
    const free = objects.filter((each) => persons.includes(each.classIndex) && ![...riders.values()].includes(each));
    const [rider] = free.filter((each) => rides(each.box, cycle.box)).sort((a, b) => b.score - a.score);
    if (rider !== undefined) riders.set(cycle, rider);
  }
  const riding = new Set(riders.values());
  return objects
    .filter((each) => !riding.has(each))
    .map((each) => {
      const rider = riders.get(each);
      if (rider === undefined) return each;
      const score = Math.max(each.score, rider.score);
      return { ...each, box: around(each.box, rider.box), score, vote: score, begins: each.begins || rider.begins };
    });
}

/** The person is above the cycle, or in it: half of the narrower one's width in common, and a fifth of the cycle's height. */
function rides([px, py, pw, ph]: Box, [cx, cy, cw, ch]: Box): boolean {
  const width = Math.min(px + pw, cx + cw) - Math.max(px, cx);
  const height = Math.min(py + ph, cy + ch) - Math.max(py, cy);
  return width > 0.5 * Math.min(pw, cw) && height > 0.2 * ch && py < cy + 0.5 * ch;
}

function around([ax, ay, aw, ah]: Box, [bx, by, bw, bh]: Box): Box {
  const [x, y] = [Math.min(ax, bx), Math.min(ay, by)];
  return [x, y, Math.max(ax + aw, bx + bw) - x, Math.max(ay + ah, by + bh) - y];
}

/** The share of `a` that lies in `b`. */
function shareInside([ax, ay, aw, ah]: Box, [bx, by, bw, bh]: Box): number {
  const width = Math.min(ax + aw, bx + bw) - Math.max(ax, bx);
  const height = Math.min(ay + ah, by + bh) - Math.max(ay, by);
  return width <= 0 || height <= 0 ? 0 : (width * height) / (aw * ah);
}
