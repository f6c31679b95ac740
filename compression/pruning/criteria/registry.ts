import type { PruningCriterion } from './criterion.ts';
import { damage } from './damage.ts';
import { fpgm } from './fpgm.ts';
import { l1 } from './l1.ts';
import { l2 } from './l2.ts';
import { taylor } from './taylor.ts';

/** Everything that can decide which channels go, the default first. Plans, options, help and documents take it from here. */
export const CRITERIA = [damage, l1, l2, fpgm, taylor] as const;

export type CriterionName = (typeof CRITERIA)[number]['name'];

export const CRITERION_NAMES = CRITERIA.map(({ name }) => name);

export const DEFAULT_CRITERION = CRITERIA[0];

export const criterionNamed = (wanted: CriterionName): PruningCriterion =>
  CRITERIA.find(({ name }) => name === wanted)!;

/** For the help of commands. */
export const WHAT_DECIDES = `what decides which channels go: ${CRITERIA.map(({ name, summary }) => `${name}, ${summary}`).join('; ')}`;
