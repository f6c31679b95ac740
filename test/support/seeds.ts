import fc from 'fast-check';

const SEED = 20;

/**
 * Property tests draw the same cases again, so that a run fails by what was changed and not by the clock. `WAYSIDE_SEED=N` looks where
 * none has looked.
 */
export function seedOf(given: string | undefined): number {
  const seed = given === undefined ? SEED : Number(given);
  if (Number.isInteger(seed)) return seed;
  throw new Error(`WAYSIDE_SEED: expected an integer, got ${given}`);
}

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: seedOf(process.env['WAYSIDE_SEED']) });
