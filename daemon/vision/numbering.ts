/** Counts from 1. */
export const counter = (): (() => number) => {
  let last = 0;
  return () => ++last;
};

/** Numbers of a camera's tracks and objects: each is given once in a run of the daemon, whatever begins anew meanwhile. */
export interface Numbering {
  readonly track: () => number;
  readonly object: () => number;
}

export const numbering = (): Numbering => ({ track: counter(), object: counter() });
