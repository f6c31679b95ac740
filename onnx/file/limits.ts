/** What a model file may ask of the reader. The defaults leave room for every classifier a roadside box can run. */
export interface ModelLimits {
  /** Bytes of the model file. @default 2^31 - 1: protobuf itself ends there. */
  readonly fileBytes: number;
  /** Bytes read from external data files, repeats included, and the most that are written. @default 16 GiB */
  readonly externalBytes: number;
  /** Protobuf messages. Each costs some 200 bytes of memory but only 2 bytes of file. @default 2^21 */
  readonly messages: number;
  /** 64-bit integers outside `raw_data`. Each costs some 50 bytes of memory but only 1 byte of file. @default 2^22 */
  readonly integers: number;
  /** Other numbers outside `raw_data`, 8 bytes of memory each. @default 2^26 */
  readonly scalars: number;
  /** Messages inside messages; one subgraph adds three. @default 64 */
  readonly depth: number;
}

export const DEFAULT_LIMITS: ModelLimits = {
  fileBytes: 2 ** 31 - 1,
  externalBytes: 2 ** 34,
  messages: 2 ** 21,
  integers: 2 ** 22,
  scalars: 2 ** 26,
  depth: 64,
};

/** Dimensions a tensor may have: NumPy's limit of old, far above what any operator here takes. */
export const MAX_RANK = 32;
