import type { z } from 'zod';
import { within } from '../../core/config/fields.ts';
import { type TrialLimits, trialLimits } from './limits.ts';

/** Hours after which an undecided trial ends: those of the box, or of a job. */
export const trialHours = within(0.01, 720);

/** All that a trial keeps to. */
interface TrialBounds {
  readonly limits: TrialLimits;
  readonly longestHours: number;
}

/**
 * Which way a limit asks more of a candidate. `falseRollbacks` does it upwards: who takes more false alarms sees a worse model in fewer
 * blocks.
 */
const STRICTER = {
  falseRollbacks: 'higher',
  falsePromotions: 'lower',
  shadowBlocks: 'higher',
  probationBlocks: 'higher',
  mostBlocks: 'lower',
  'classShift.tolerated': 'lower',
  'classShift.margin': 'lower',
  'disagreement.tolerated': 'lower',
  'disagreement.margin': 'lower',
  'scoreDrift.tolerated': 'lower',
  'scoreDrift.margin': 'lower',
  'lineCounts.tolerated': 'lower',
  'lineCounts.margin': 'lower',
  'failedFrames.tolerated': 'lower',
  'failedFrames.margin': 'lower',
  'slower.tolerated': 'lower',
  'slower.margin': 'lower',
  noFramesSeconds: 'lower',
  restarts: 'lower',
  memoryMb: 'lower',
  longestHours: 'lower',
} as const;
type LimitName = keyof typeof STRICTER;

/** As `--trial-limit` and the documents name them; `longestHours` is `--trial-hours`. */
export const LIMIT_NAMES = Object.keys(STRICTER) as readonly LimitName[];
const isLimitName = (name: string): name is LimitName => Object.hasOwn(STRICTER, name);

type Tree = { readonly [name: string]: unknown };
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

/** `{ slower: { margin: 0.2 } }` is `slower.margin`, 0.2. */
const leaves = (tree: Tree, prefix = ''): [string, unknown][] =>
  Object.entries(tree).flatMap(([name, value]): [string, unknown][] =>
    isTree(value) ? leaves(value, `${prefix}${name}.`) : [[`${prefix}${name}`, value]],
  );

function treeOf(values: ReadonlyMap<string, unknown>): Tree {
  const tree: Record<string, unknown> = {};
  for (const [path, value] of values) {
    const [name = '', inner] = path.split('.');
    const before = tree[name];
    tree[name] = inner === undefined ? value : { ...(isTree(before) ? before : {}), [inner]: value };
  }
  return tree;
}

const firstIssue = ({ issues }: z.ZodError): string => {
  const [issue] = issues;
  return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not as expected'}`;
};

/**
 * What a job asks for, put over what the box is configured to. A job is not signed: whoever may write to a topic of the broker could
 * have sent it, so it may ask more of a candidate than the box does, and never less.
 *
 * @returns what holds, or why the job is refused
 */
export function withJobLimits(
  own: TrialBounds,
  asked: Readonly<Record<string, unknown>> = {},
): TrialBounds | { readonly refused: string } {
  const values = new Map(leaves({ ...own.limits, longestHours: own.longestHours }));
  for (const [name, value] of leaves(asked)) {
    const before = values.get(name);
    if (!isLimitName(name) || typeof before !== 'number') return { refused: `${name}: no such limit` };
    if (typeof value !== 'number') return { refused: `${name}: expected a number, found ${JSON.stringify(value)}` };
    const looser = STRICTER[name] === 'lower' ? value > before : value < before;
    if (looser) return { refused: `${name}: ${value} is looser than this box's ${before}; a job may only tighten it` };
    values.set(name, value);
  }
  const hours = trialHours.safeParse(values.get('longestHours'));
  values.delete('longestHours');
  const limits = trialLimits.safeParse(treeOf(values));
  if (!limits.success) return { refused: firstIssue(limits.error) };
  if (!hours.success) return { refused: `longestHours${firstIssue(hours.error)}` };
  return { limits: limits.data, longestHours: hours.data };
}

/**
 * Reads limits as an operator names them, for a job.
 *
 * @param named values by name, such as `slower.margin`
 * @returns as a job carries them, or what is wrong with them wherever they are sent
 */
export function jobLimits(
  named: ReadonlyMap<string, number>,
): { readonly limits: Record<string, z.core.util.JSONType> } | { readonly wrong: string } {
  for (const name of named.keys())
    if (!isLimitName(name)) return { wrong: `${name}: no such limit; there are ${LIMIT_NAMES.join(', ')}` };
  const limits = treeOf(named) as Record<string, z.core.util.JSONType>;
  const { longestHours = 1, ...rest } = limits;
  // Of a pair of which one is named, the other is the box's, and not known here.
  const paired = Object.entries(rest).map(([name, value]) =>
    isTree(value) ? [name, { tolerated: 0, margin: Number(value['tolerated'] ?? 0) + 1, ...value }] : [name, value],
  );
  const hours = trialHours.safeParse(longestHours);
  const read = trialLimits.safeParse(Object.fromEntries(paired));
  if (!read.success) return { wrong: firstIssue(read.error) };
  return hours.success ? { limits } : { wrong: `longestHours${firstIssue(hours.error)}` };
}
