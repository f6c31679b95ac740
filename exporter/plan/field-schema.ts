import { z } from 'zod';
import type { NumberField } from './fields.ts';

/** What a plan may hold of a setting. */
export const numberOf = ({ whole, least, most }: NumberField): z.ZodNumber =>
  (whole ? z.int() : z.number()).min(least).max(most);

/** The same with its default, which a plan always holds. */
export const numberWithDefault = (field: NumberField & { readonly fallback: number }): z.ZodDefault<z.ZodNumber> =>
  numberOf(field).default(field.fallback);
