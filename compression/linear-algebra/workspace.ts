/** Larger ones are made anew: few are needed, and kept they would stand in the way of everything else. */
const KEPT_BYTES = 16 * 2 ** 20;

/**
 * Arrays that are used again and again under a name. V8 collects garbage at every 64 MB of new arrays or so: rounding ResNet50 took gigabytes of
 * them for tiles of 2 MB, and a fifth of its time went into collecting.
 *
 * One piece of work at a time: two that run side by side need a workspace each.
 */
export class Workspace {
  readonly #floats = new Map<string, Float32Array>();
  readonly #doubles = new Map<string, Float64Array>();

  /** Holds whatever its last user left. */
  floats(name: string, length: number): Float32Array {
    return kept(this.#floats, name, length, () => new Float32Array(length));
  }

  /** Holds whatever its last user left. */
  doubles(name: string, length: number): Float64Array {
    return kept(this.#doubles, name, length, () => new Float64Array(length));
  }
}

function kept<T extends Float32Array | Float64Array>(
  arrays: Map<string, T>,
  name: string,
  length: number,
  make: () => T,
): T {
  const known = arrays.get(name);
  if (known !== undefined && known.length >= length) return known.subarray(0, length) as T;
  const array = make();
  if (array.byteLength <= KEPT_BYTES) arrays.set(name, array);
  return array;
}
