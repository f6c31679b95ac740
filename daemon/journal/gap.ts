/** Numbers whose messages are lost, or may be, and why. */
export interface Gap {
  /** The first and the last number. */
  readonly from: number;
  readonly to: number;
  /**
   * - `power-cut`: the last run did not end in order: what was not on the disk yet, of at most a second, is gone
   * - `quota`: the oldest were given up, unacknowledged, for newer ones
   * - `memory`: the disk could not be written for so long that they found no room in memory
   * - `damaged`: what was written cannot be read
   */
  readonly reason: 'power-cut' | 'quota' | 'memory' | 'damaged';
  /** When the last message before it was observed, ms since the epoch; null where that is not known. */
  readonly since: number | null;
  /** When it was found, ms since the epoch. */
  readonly until: number;
}
