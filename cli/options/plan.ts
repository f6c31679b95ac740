import { Option } from 'commander';
import type { ChoiceField, NumberField } from '../../exporter/plan/fields.ts';
import { decimal, integer } from './common.ts';

const reader = ({ whole, least, most }: NumberField): ((text: string) => number) =>
  whole ? integer(least, most) : decimal(least, most);

/** An option for a number of the plan, with its bounds, its default and its words. */
export function numberOption(flags: string, field: NumberField, says: string = field.says): Option {
  const option = new Option(flags, says).argParser(reader(field));
  return field.fallback === undefined ? option : option.default(field.fallback);
}

/** The same where the plan alone knows the default, since what else is asked for changes it. */
export const openNumberOption = (flags: string, field: NumberField, otherwise = String(field.fallback)): Option =>
  new Option(flags, `${field.says} (default: ${otherwise})`).argParser(reader(field));

export const choiceOption = <T extends string>(flags: string, { says, choices, fallback }: ChoiceField<T>): Option =>
  new Option(flags, says).choices(choices).default(fallback);

export const openChoiceOption = <T extends string>(
  flags: string,
  { says, choices, fallback }: ChoiceField<T>,
  otherwise: string | undefined = fallback,
): Option => new Option(flags, `${says} (default: ${otherwise})`).choices(choices);
