import { z } from 'zod';
import { verdictSchema } from '../cli/accept/verdict.ts';

/** `docs/reference/acceptance.json`. */
export const acceptanceSchemaText = (): string =>
  `${JSON.stringify(z.toJSONSchema(verdictSchema, { target: 'draft-2020-12' }), null, 2)}\n`;
