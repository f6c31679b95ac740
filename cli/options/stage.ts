import { Option } from 'commander';
import type { PositionRange } from '../../calibration/datasets/ranges.ts';
import { FIELDS, type NumberField } from '../../exporter/plan/fields.ts';
import { dataOption, integer, outputOption, type PixelOptions, pixelOptions, validationOption } from './common.ts';
import { numberOption } from './plan.ts';

/** What commands of single stages have in common. */
export interface StageOptions extends PixelOptions {
  readonly data: string;
  readonly validation?: readonly PositionRange[];
  readonly out: string;
  readonly limit?: number;
  readonly seed: number;
  readonly threads?: number;
  readonly force?: true;
  readonly output?: string;
}

export const outOption = (what = 'ONNX file to write'): Option =>
  new Option('--out <file>', what).makeOptionMandatory();

/** @param says what the images are for */
export const calibrationOption = (field: NumberField = FIELDS.calibration, says: string = field.says): Option =>
  numberOption('--calibration <n>', field, says);

export const seedOption = (): Option => numberOption('--seed <n>', FIELDS.seed);

export const limitOption = (): Option =>
  new Option('--limit <n>', 'test images to measure on, spread evenly (default: all)').argParser(integer(1));

/** Seed, threads, force and pixels. */
export const commonOptions = (): Option[] => [
  seedOption(),
  new Option('--threads <n>', 'threads for the work; measuring is always on one').argParser(integer(1, 256)),
  new Option('--force', 'replace the output'),
  outputOption(),
  ...pixelOptions(),
];

/** Of a command that reads data, writes an ONNX file and measures it. */
export const stageOptions = (): Option[] => [
  dataOption(),
  validationOption(),
  outOption(),
  limitOption(),
  ...commonOptions(),
];
