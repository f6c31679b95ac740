import type { BoxAgreement } from '../../calibration/detection/agreement.ts';
import type { HeadName } from '../../inference/heads/head.ts';
import type { FusionReport } from '../quantize/fusion.ts';

interface DetectorFigures {
  /** On disk, of everything needed to load the model. */
  readonly bytes: number;
  /** Median of one image on one thread, in a process of its own. */
  readonly latencyMs: number;
}

export interface CompressDetectorResult {
  /** Folder of the package. */
  readonly package: string;
  readonly head: HeadName;
  readonly baseline: DetectorFigures;
  readonly candidate: DetectorFigures;
  /** Its boxes beside those of the float model, on images that nothing was calibrated on. */
  readonly agreement: BoxAgreement & { readonly images: number };
  readonly fused: FusionReport;
  readonly warnings: readonly string[];
}
