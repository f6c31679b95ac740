import { z } from 'zod';
import type { Identity } from '../../core/identity/key.ts';

const seconds = z.number().nullable();

export const drillSchema = z
  .strictObject({
    schema: z.literal('wayside/drill/1'),
    startedAt: z.iso.datetime(),
    endedAt: z.iso.datetime(),
    site: z.string(),
    box: z.string(),
    wayside: z.string().meta({ description: 'version of the software' }),
    passed: z.boolean().meta({ description: 'no exercise failed; skipped ones do not count' }),
    exercises: z.array(
      z.strictObject({
        name: z.string(),
        title: z.string(),
        status: z.enum(['passed', 'failed', 'skipped']),
        limitSeconds: z.number().meta({ description: 'within which every camera has to detect again' }),
        noticedSeconds: seconds.meta({
          description: 'until the box said that it is not well; of `bad-model`, until it was refused',
        }),
        recoveredSeconds: seconds.meta({
          description:
            'until it was well again (`online`, or `degraded` for what it is configured to be alone) and every camera detected',
        }),
        seen: z.string().meta({ description: 'what the box said meanwhile; of one that was skipped, why' }),
      }),
    ),
  })
  .meta({ title: 'A drill on a box', description: 'The report of `wayside drill`.' });

export type DrillReport = z.infer<typeof drillSchema>;
export type ExerciseOutcome = DrillReport['exercises'][number];

interface SignedReport {
  /** The bytes that are signed. */
  readonly text: string;
  /** Ed25519 in base64. */
  readonly signature: string;
}

/** The report as it is written, and its signature: `openssl pkeyutl -verify -rawin` checks it. */
export function signedReport(report: DrillReport, identity: Identity): SignedReport {
  const text = `${JSON.stringify(drillSchema.parse(report), null, 2)}\n`;
  return { text, signature: identity.sign(Buffer.from(text)).toString('base64') };
}
