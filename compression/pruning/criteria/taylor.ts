import { criterion } from './criterion.ts';

/** First-order change of the loss (Molchanov 2019). */
export const taylor = criterion({
  name: 'taylor',
  summary: 'change of the loss by gradients, on labelled images',
  async judge(evidence) {
    const { taylorScores } = await import('../taylor-scores.ts');
    const found = await taylorScores(evidence.model, evidence.groups, evidence.train, evidence);
    return evidence.groups.map(({ name }) => found.get(name)!);
  },
});
