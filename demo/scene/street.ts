/**
 * Where things are, in metres. The main street runs along x with two lanes; a side street meets it from behind.
 * Traffic keeps to the right: the near lane drives to the right of the image, the far lane to the left.
 */
export const STREET = {
  nearLane: 10,
  farLane: 13.5,
  /** Kerbs of the main street. */
  nearKerb: 8.1,
  farKerb: 15.4,
  facade: 20,
  sideLeft: 3.4,
  sideRight: 10.6,
  /** The lane of the side street that comes towards the camera. */
  sideLane: 5.2,
  zebraLeft: -2.6,
  zebraRight: 0.8,
  nearStop: -3.4,
  farStop: 11.6,
  sideStop: 16.6,
  nearWalk: 6.4,
  farWalk: 17.2,
  signPost: [-4.1, 0, 0.4],
  farSign: [1.9, 0, 16.1],
  signalPost: [-3.3, 0, 7.3],
} as const;

/** Images a second. */
export const FPS = 12;
/** Seconds of one round of the traffic light. */
export const CYCLE = 12;
/** Seconds into the cycle: the main street goes from 0, the side street and the walkers from here. */
export const SIDE_GREEN = 6.8;
export const MAIN_AMBER = 5.6;
export const SIDE_AMBER = 11;
