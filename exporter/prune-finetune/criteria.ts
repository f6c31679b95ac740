/** What decides which channels go, by the name that plans and options have for it. */
export const CRITERIA = ['damage', 'l1', 'l2', 'fpgm', 'taylor'] as const;

export type CriterionName = (typeof CRITERIA)[number];
