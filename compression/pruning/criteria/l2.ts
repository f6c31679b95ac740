import { norm } from '../weight-slices.ts';
import { weightCriterion } from './criterion.ts';

export const l2 = weightCriterion({
  name: 'l2',
  summary: 'root of the sum of the squared weights',
  importance: norm(2),
});
