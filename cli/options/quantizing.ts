import { Option } from 'commander';
import { FIELDS, type RangeName, type RoundingName } from '../../exporter/plan/fields.ts';
import { choiceOption, openChoiceOption } from './plan.ts';

/** Both are absent where the command line leaves them to the plan. */
export interface QuantizingOptions {
  readonly range?: RangeName;
  readonly rounding?: RoundingName;
}

const { range, rangeOfNearest, rounding, target } = FIELDS;

/** What `compress` and `quantize` are told of quantization. */
export const quantizingOptions = (): Option[] => [
  openChoiceOption('--range <method>', range, `${range.fallback}, with --rounding nearest ${rangeOfNearest.fallback}`),
  openChoiceOption('--rounding <how>', rounding),
  choiceOption('--target <processor>', target),
  new Option(
    '--calibration-table <file>',
    'what wayside calibrate wrote of this model: its images are not observed again',
  ),
  new Option('--allow-float', 'accept convolutions and matrix products that stay in float'),
  new Option('--allow-noisy-layers', 'accept layers of which int8 leaves less than 6 dB of signal to noise'),
];
