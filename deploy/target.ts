import { z } from 'zod';

const digest = z.templateLiteral(['sha256:', z.string().regex(/^[0-9a-f]{64}$/)]);

/** What the signers of a bundle say of it, beside its length and digest: read by the box before it fetches a byte. */
export const targetCustomSchema = z.object({
  /** Of the model: boxes have slots by name. */
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/),
  version: z.string().regex(/^[a-z0-9][a-z0-9.+_-]{0,63}$/i),
  /** A box never goes back below it, not even by an older bundle that is rightly signed. */
  minVersion: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.+_-]{0,63}$/i)
    .optional(),
  /** Numbers of the formats that a box must read: of the package, of the bundle. */
  formats: z.record(z.string(), z.int().min(1)).optional(),
  /** What the bundle holds: a box that has it, or knows it to be bad, fetches nothing. */
  package: digest.optional(),
  unpackedBytes: z.int().min(0).optional(),
  /** The package that its differences are from. */
  parent: digest.optional(),
});

export type TargetCustom = z.infer<typeof targetCustomSchema>;

interface BundleOf {
  readonly name: string;
  readonly version: string;
  /** Of the package that its differences are from, such as `sha256:...`. */
  readonly parent?: string | undefined;
}

/** Where a bundle lies among the targets, by what a job names: the path patterns of delegations begin with the model's name. */
export const targetPathOf = ({ name, version, parent }: BundleOf): string =>
  `${name}/${version}${parent === undefined ? '' : `.from-${parent.slice('sha256:'.length, 'sha256:'.length + 16)}`}.bundle`;
