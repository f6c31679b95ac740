import type { Box, RgbImage } from '../../inference/image.ts';

/** What a region can show. The order is the order of the classifier's outputs. */
export const CLASSES = ['empty', 'car', 'truck', 'bus', 'pedestrian', 'sign'] as const;
export type SceneClass = (typeof CLASSES)[number];
type ObjectClass = Exclude<SceneClass, 'empty'>;

/** Metres: x to the right along the main street, y up, z away from the camera. */
export type Vec3 = readonly [x: number, y: number, z: number];
/** 0 to 255 each. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** A flat convex polygon in an object's own coordinates: x forward, y up, z to its left. */
export interface Face {
  readonly points: readonly Vec3[];
  readonly colour: Rgb;
  /** Shines by itself: lamps. Not shaded. */
  readonly glows?: boolean;
}

/** A thing placed in the street at one instant. `heading` turns its own x axis: 0 points along the street's x, in radians. */
export interface Placed {
  /** Stable while the thing lives: `near/3/0`. */
  readonly name: string;
  /** Absent for street furniture, which hides things but is none of the classes. */
  readonly class?: ObjectClass;
  readonly position: Vec3;
  readonly heading: number;
  readonly faces: readonly Face[];
}

/** What is true of one object in one frame. Boxes are shares of the frame. */
export interface ObjectTruth {
  readonly name: string;
  readonly class: ObjectClass;
  /** Around the object's outline inside the frame, hidden parts included. */
  readonly box: Box;
  /** Around the pixels of it that can be seen. */
  readonly visibleBox: Box;
  /** Share of its outline inside the frame that nothing hides, 0 to 1. */
  readonly visibility: number;
}

export interface SceneFrame {
  readonly index: number;
  readonly image: RgbImage;
  readonly objects: readonly ObjectTruth[];
}
