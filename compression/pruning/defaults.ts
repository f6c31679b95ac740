/** What pruning does where nobody says otherwise: of the algorithm, of plans and of the command line. */
export const PRUNING_DEFAULTS = {
  /** Least share of its channels that every group keeps. */
  floor: 0.1,
  /** Kept channels come in multiples of what one instruction of an int8 dot product takes. */
  multiple: 4,
} as const;
