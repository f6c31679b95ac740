import fc from 'fast-check';

/**
 * Property tests draw the same cases again on the same version of Node, so that a run fails by what was changed and not by the clock;
 * other versions draw others. `WAYSIDE_SEED=N` looks where none has looked.
 */
export function seedOf(given: string | undefined, version: string): number {
  const seed = given === undefined ? Number.parseInt(version, 10) : Number(given);
  if (Number.isInteger(seed)) return seed;
  throw new Error(`WAYSIDE_SEED: expected an integer, got ${given}`);
}

fc.configureGlobal({
  ...fc.readConfigureGlobal(),
  seed: seedOf(process.env['WAYSIDE_SEED'], process.versions.node),
});
