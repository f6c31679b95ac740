import { Option } from 'commander';
import { DEFAULT_TARGET, TARGET_NAMES } from '../exporter/plan/targets.ts';

const RANGES = ['auto', 'min-max', 'percentile', 'mse', 'entropy'] as const;

export type RangeName = (typeof RANGES)[number];

const ROUNDINGS = ['output', 'nearest'] as const;

export type RoundingName = (typeof ROUNDINGS)[number];

/** Both are absent where the command line leaves them to the plan. */
export interface QuantizingOptions {
  readonly range?: RangeName;
  readonly rounding?: RoundingName;
}

/** What `compress` and `quantize` are told of quantization. */
export const quantizingOptions = (): Option[] => [
  new Option(
    '--range <method>',
    'how the ranges of activations are chosen (default: auto, with --rounding nearest min-max)',
  ).choices(RANGES),
  new Option(
    '--rounding <how>',
    'weights to the codes that change the output of their layer least, or to the nearest ones: quicker and leaner, for large networks (default: output)',
  ).choices(ROUNDINGS),
  new Option('--target <processor>', 'processor family of the box').choices(TARGET_NAMES).default(DEFAULT_TARGET),
  new Option(
    '--calibration-table <file>',
    'what wayside calibrate wrote of this model: its pictures are not observed again',
  ),
  new Option('--allow-float', 'accept convolutions and matrix products that stay in float'),
  new Option('--allow-noisy-layers', 'accept layers of which int8 leaves less than 6 dB of signal to noise'),
];
