import { z } from 'zod';

const findingSchema = z.strictObject({
  check: z.string().meta({ description: 'name of the check' }),
  subject: z.string().nullable().meta({ description: 'what was looked at, where a check looks at several things' }),
  status: z.enum(['ok', 'skipped', 'warning', 'failure']),
  fault: z.string().nullable().meta({ description: 'name of the fault, within its check; null where there is none' }),
  seen: z.string().meta({ description: 'what was seen; of a check that was skipped, why' }),
  remedy: z.string().nullable().meta({ description: 'what to do' }),
});

const count = z.int().min(0);

/** What `wayside doctor --json` prints: fields are only ever added. */
export const doctorSchema = z
  .strictObject({
    schema: z.literal('wayside/doctor/1'),
    at: z.iso.datetime().meta({ description: 'UTC, by the clock of the box' }),
    wayside: z.string().meta({ description: 'version of the software' }),
    site: z.string().nullable().meta({ description: 'null where the configuration cannot be read' }),
    box: z.string().nullable(),
    healthy: z.boolean().meta({ description: 'no failure; warnings do not count' }),
    counts: z.strictObject({ ok: count, skipped: count, warning: count, failure: count }),
    findings: z.array(findingSchema),
  })
  .meta({ title: 'What wayside doctor found', description: 'The document of `wayside doctor --json`.' });

export type DoctorDocument = z.infer<typeof doctorSchema>;
