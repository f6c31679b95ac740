import { z } from 'zod';
import { doctorSchema } from '../daemon/doctor/document.ts';
import { CHECKS } from '../daemon/doctor/registry.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

/** The table of `docs/guide/doctor.md`: each check, what breaks it, the remedy. */
export function checksTable(): string {
  const rows = CHECKS.flatMap(({ name, faults }) =>
    Object.entries(faults).map(
      ([fault, { severity, when, remedy }]) =>
        `| \`${name}\`, \`${fault}\` | ${severity} | ${cell(when)} | ${cell(remedy)} |`,
    ),
  );
  return ['| check, fault | | what is so | remedy |', '|---|---|---|---|', ...rows].join('\n');
}

/** `docs/reference/doctor.json`. */
export const doctorSchemaText = (): string =>
  `${JSON.stringify(z.toJSONSchema(doctorSchema, { target: 'draft-2020-12' }), null, 2)}\n`;
