import {
  CRITERION_NAMES,
  type CriterionName,
  DEFAULT_CRITERION,
  WHAT_DECIDES,
} from '../../compression/pruning/criteria/registry.ts';
import { PRUNING_DEFAULTS } from '../../compression/pruning/defaults.ts';
import { DEFAULT_TARGET, TARGET_NAMES } from './targets.ts';

/**
 * The settings of a plan: what each may be, and what it is where nobody says. The schema of the plan and the options of the command line
 * are both made of them. Without zod: the command line reads them before it knows whether it will load anything.
 */
export interface NumberField {
  readonly whole: boolean;
  readonly least: number;
  readonly most: number;
  readonly fallback: number | undefined;
  readonly says: string;
}

export interface ChoiceField<T extends string> {
  readonly choices: readonly T[];
  readonly fallback: T | undefined;
  readonly says: string;
}

type Bounds<F extends number | undefined> = { readonly least: number; readonly most?: number; readonly fallback?: F };

const whole = <const F extends number | undefined = undefined>(says: string, { least, most, fallback }: Bounds<F>) => ({
  ...{ whole: true, least, most: most ?? Number.MAX_SAFE_INTEGER, says },
  fallback: fallback as F,
});

const decimal = <const F extends number | undefined = undefined>(
  says: string,
  { least, most, fallback }: Bounds<F>,
) => ({
  ...{ whole: false, least, most: most ?? Number.MAX_VALUE, says },
  fallback: fallback as F,
});

const choice = <T extends string, F extends T | undefined>(says: string, choices: readonly T[], fallback: F) => ({
  ...{ says, choices },
  fallback,
});

const RANGE_NAMES = ['auto', 'min-max', 'percentile', 'mse', 'entropy'] as const;
export type RangeName = (typeof RANGE_NAMES)[number];

const ROUNDING_NAMES = ['output', 'nearest'] as const;
export type RoundingName = (typeof ROUNDING_NAMES)[number];

const goal = (of: string) => decimal(`share of the ${of} to remove, 0 to 0.95`, { least: 0, most: 0.95 });

/** What pruning can count, latency apart from the others: it is searched for, and goes alone. */
export const GOALS = {
  flops: goal('multiplications and additions'),
  params: goal('weights'),
  bytes: goal('bytes of the float file'),
  latency: goal('time of one image on this machine'),
} as const;
export type Goal = keyof typeof GOALS;

const TRAINING = {
  batch: whole('images a step', { least: 1, fallback: 128 }),
  rate: (fallback: number) => decimal('highest learning rate, as a share of what is trained', { least: 0, fallback }),
} as const;

export const FIELDS = {
  seed: whole('seed of everything drawn at random', { least: 0, most: 2 ** 32 - 1, fallback: 0 }),
  calibration: whole('images of the training part to calibrate on', { least: 1, fallback: 512 }),
  clusters: whole('distinct weights a layer, 2 to 256', { least: 2, most: 256 }),
  bitsPerWeight: decimal(
    'bits that the codes of a weight take on their way to a box, the mean over all layers: codes are chosen by error and length together',
    { least: 0.5, most: 8 },
  ),
  target: choice('processor family of the box', TARGET_NAMES, DEFAULT_TARGET),
  range: choice<RangeName, 'auto'>('how the ranges of activations are chosen', RANGE_NAMES, 'auto'),
  /** Of nearest rounding, which is asked for where every second counts: what one look at the images gives. */
  rangeOfNearest: choice<RangeName, 'min-max'>('how the ranges of activations are chosen', RANGE_NAMES, 'min-max'),
  rounding: choice<RoundingName, 'output'>(
    'weights to the codes that change the output of their layer least, or to the nearest ones: quicker and leaner, for large networks',
    ROUNDING_NAMES,
    'output',
  ),
  teacherWeight: decimal('share of its predictions in what is learned, 0 to 1; the rest are the labels', {
    ...{ least: 0, most: 1, fallback: 0.7 },
  }),
  prune: {
    criterion: choice<CriterionName, typeof DEFAULT_CRITERION.name>(
      WHAT_DECIDES,
      CRITERION_NAMES,
      DEFAULT_CRITERION.name,
    ),
    floor: decimal('least share of its channels that every group keeps', {
      least: 0,
      most: 1,
      fallback: PRUNING_DEFAULTS.floor,
    }),
    multiple: whole('channels are kept in multiples of this', {
      least: 1,
      most: 1024,
      fallback: PRUNING_DEFAULTS.multiple,
    }),
    /** Fewer cost points (see `reconstruct`). */
    pictures: whole('images of the training part to judge channels and solve layers on', {
      ...{ least: 1, fallback: 2048 },
    }),
  },
  finetune: {
    epochs: whole('train so often over the training part after pruning', { least: 1 }),
    batch: TRAINING.batch,
    rate: TRAINING.rate(0.01),
  },
  qat: {
    epochs: whole('train so often over the training part with quantization simulated: codebooks, scales and biases', {
      least: 1,
    }),
    batch: TRAINING.batch,
    rate: TRAINING.rate(0.0003),
  },
} as const;
