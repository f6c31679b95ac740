/** What no plan holds: how much may go wrong before the run is refused. */
export interface RunLimits {
  /** Points of top-1 accuracy that may be lost: layers are kept wider until it holds. @default no limit */
  readonly budget?: number | undefined;
  /** How far one layer alone may move the predictions before it is left in float (`distance`). @default no limit */
  readonly tolerance?: number | undefined;
  /** Accept layers that stay in float. @default false */
  readonly allowFloat?: boolean | undefined;
  /** Accept layers of which the int8 model leaves less than 6 dB of signal to noise. @default false */
  readonly allowNoisyLayers?: boolean | undefined;
}
