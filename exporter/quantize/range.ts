/** Lowest and highest value of an activation, as calibrated. */
export interface Range {
  readonly min: number;
  readonly max: number;
}
