import { norm } from '../weight-slices.ts';
import { weightCriterion } from './criterion.ts';

export const l1 = weightCriterion({ name: 'l1', summary: 'sum of the absolute weights', importance: norm(1) });
