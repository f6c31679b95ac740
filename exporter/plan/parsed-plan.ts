import type { z } from 'zod';
import { WaysideError } from '../../core/errors.ts';

/** What was asked for as a plan holds it, with its defaults. @throws {WaysideError} USAGE, CLUSTER_INVALID */
export function parsedPlan<Plan>(schema: z.ZodType<Plan>, asked: unknown): Plan {
  const parsed = schema.safeParse(asked);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.join('.') ?? '';
  throw new WaysideError(where === 'clusters' ? 'CLUSTER_INVALID' : 'USAGE', {
    message: `no plan can hold what was asked for: ${where}: ${issue?.message}`,
  });
}
