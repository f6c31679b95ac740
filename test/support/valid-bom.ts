import { Spec, Validation } from '@cyclonedx/cyclonedx-library';

/** What the official schema of CycloneDX 1.7, read strictly, has against a bill of materials; null: nothing. */
export const bomProblems = async (text: string): Promise<unknown> =>
  new Validation.JsonStrictValidator(Spec.Version.v1dot7).validate(text);
